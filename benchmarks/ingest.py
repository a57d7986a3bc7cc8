"""How fast a backlog is taken in, durably, beside the script that one would write first.

Both get the same backlog from the same broker and write into the same PostgreSQL, one after the other, several
times; what counts is the ratio, since machines are noisy. `make bench` runs it; `--json` prints figures for machines.

The script: one subscription, one INSERT and one commit a message, then the acknowledgement. bypunkt: validation,
registry, dedupe, log, dead letters, receipts, and both readings following in the same process.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from config import logs
from config.app import Part, bypunkt
from config.settings import LogOptions, Settings
from gateway.embedded import Mosquitto
from gateway.mqtt import Session, SessionOptions
from gateway.options import MqttOptions
from gateway.topics import canary_topic, native_filter
from services.runtime.clock import now
from services.storage.database import Database
from services.storage.embedded import EmbeddedPostgres
from services.storage.migrate import migrate
from services.storage.options import DatabaseOptions
from services.tenants.importing import import_registry
from services.tenants.models import RegistryFile

MUNICIPALITY = "0781"
DEVICES = 200
NAIVE_TABLE = (
    "CREATE TABLE IF NOT EXISTS naive (topic text, received_at timestamptz DEFAULT now(), data jsonb)"
)


@dataclass(frozen=True, slots=True)
class Round:
    """Events a second of one round."""

    script: float
    ours: float


def main() -> None:
    """Run the rounds and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    logs.set_up(LogOptions(level="error"))
    with tempfile.TemporaryDirectory(prefix="bypunkt-bench-") as directory:
        Path(directory).chmod(0o755)
        rounds = asyncio.run(_rounds(Path(directory), asked.events, asked.rounds))
    _report(rounds, asked.events, as_json=asked.json)


async def _rounds(directory: Path, events: int, count: int) -> list[Round]:
    async with Mosquitto(directory / "broker") as broker, EmbeddedPostgres() as postgres:
        await _prepare(postgres)
        return [await _round(broker, postgres, events, number) for number in range(count)]


async def _prepare(postgres: EmbeddedPostgres) -> None:
    await migrate(postgres.dsn())
    registry = RegistryFile.model_validate(
        {
            "synthetic": True,
            "municipalities": [
                {"code": MUNICIPALITY, "name": "Ljungby", "county": "Kronoberg", "county_code": "07",
                 "seat": {"lat": 56.83, "lon": 13.94}}
            ],
            "devices": [
                {"id": f"hs-bench-{number}", "kind": "hotspot", "municipality": MUNICIPALITY}
                for number in range(DEVICES)
            ],
        }
    )  # fmt: skip
    async with Database.open(postgres.dsn(user="bypunkt_app")) as database:
        await import_registry(database, registry)
    connection = await asyncpg.connect(postgres.dsn())
    await connection.execute(NAIVE_TABLE)
    await connection.close()


async def _round(broker: Mosquitto, postgres: EmbeddedPostgres, events: int, number: int) -> Round:
    return Round(
        script=await _script(broker, postgres, events, number),
        ours=await _ours(broker, postgres, events, number),
    )


async def _script(broker: Mosquitto, postgres: EmbeddedPostgres, events: int, number: int) -> float:
    options = SessionOptions(
        host=broker.host, port=broker.port, client_id="script", subscriptions=(native_filter(MUNICIPALITY),)
    )
    async with Session(options) as session:  # leaves a durable subscription behind
        await session.wait_connected()
    await _publish(broker, events, f"s{number}")
    connection = await asyncpg.connect(postgres.dsn())
    try:
        began = time.perf_counter()
        async with Session(options) as session:
            left = events
            while left:
                for delivery in await session.batch(limit=1, linger_s=0):
                    await connection.execute(
                        "INSERT INTO naive (topic, data) VALUES ($1, $2)",
                        delivery.topic,
                        delivery.payload.decode(),
                    )
                    session.acknowledge([delivery])
                    left -= 1
            took = time.perf_counter() - began
        await _forget(broker, "script")
        return events / took
    finally:
        await connection.close()


async def _ours(broker: Mosquitto, postgres: EmbeddedPostgres, events: int, number: int) -> float:
    lane = await _lane(postgres)
    options = SessionOptions(
        host=broker.host, port=broker.port, client_id=f"bypunkt-lane-{lane}",
        subscriptions=(canary_topic(lane), native_filter(MUNICIPALITY)),
    )  # fmt: skip
    async with Session(options) as session:
        await session.wait_connected()
    await _publish(broker, events, f"o{number}")
    before = await _counted(postgres)
    settings = Settings(
        database=DatabaseOptions.model_validate({"url": postgres.dsn(user="bypunkt_app")}),
        mqtt=MqttOptions(host=broker.host, port=broker.port),
    )
    async with bypunkt(settings, parts=[Part.GATEWAY, Part.WORKER]):
        while not (first := await _counted(postgres) - before):  # noqa: ASYNC110 - starting is not measured
            await asyncio.sleep(0.01)
        began = time.perf_counter()
        while await _counted(postgres) < before + events:  # noqa: ASYNC110 - the database counts
            await asyncio.sleep(0.02)
        took = time.perf_counter() - began
    await _forget(broker, options.client_id)
    return (events - first) / took


async def _forget(broker: Mosquitto, client_id: str) -> None:
    """End a durable session, so that the other side's backlog does not pile up in it."""
    options = SessionOptions(host=broker.host, port=broker.port, client_id=client_id, durable=False)
    async with Session(options) as session:
        await session.wait_connected()


async def _publish(broker: Mosquitto, events: int, run: str) -> None:
    """Leave a backlog at the broker: single-event messages, 80 % usage, 20 % heartbeats."""
    options = SessionOptions(host=broker.host, port=broker.port, client_id="driver", durable=False)
    async with Session(options) as session:
        await session.wait_connected()
        for start in range(0, events, 200):
            await asyncio.gather(
                *(
                    session.publish(*_message(number, run), qos=1)
                    for number in range(start, min(start + 200, events))
                )
            )


def _message(number: int, run: str) -> tuple[str, bytes]:
    kind = "device.heartbeat" if number % 5 == 0 else "wifi.usage"
    data: dict[str, object] = (
        {"uptime_s": number} if number % 5 == 0 else {"iface": "wlan0", "ssid": "by", "clients": number % 40}
    )
    payload = {"id": f"{run}-{number}", "time": now().isoformat(), "boot": "b1", "seq": number, "data": data}
    topic = f"bypunkt/v1/{MUNICIPALITY}/hs-bench-{number % DEVICES}/{kind}"
    return topic, json.dumps(payload).encode()


async def _lane(postgres: EmbeddedPostgres) -> int:
    connection = await asyncpg.connect(postgres.dsn())
    try:
        lane: int = await connection.fetchval(
            "SELECT lane FROM bypunkt.municipality WHERE code = $1", MUNICIPALITY
        )
        return lane
    finally:
        await connection.close()


async def _counted(postgres: EmbeddedPostgres) -> int:
    """Events that the log has and every reading has taken in."""
    connection = await asyncpg.connect(postgres.dsn())
    try:
        counted: int | None = await connection.fetchval(
            "SELECT least(min(c.position), (SELECT sum(head) FROM bypunkt.lane))::bigint"
            " FROM bypunkt.reading_cursor AS c JOIN bypunkt.lane_in_use USING (lane)"
        )
        return counted or 0
    finally:
        await connection.close()


def _report(rounds: list[Round], events: int, *, as_json: bool) -> None:
    ratio = statistics.median(one.ours / one.script for one in rounds)
    figures = {
        "events": events,
        "rounds": [{"script": round(one.script), "bypunkt": round(one.ours)} for one in rounds],
        "bypunkt_over_script": round(ratio, 2),
    }
    if as_json:
        json.dump(figures, sys.stdout, indent=1)
        print()
        return
    print(f"a backlog of {events} single-event messages, durable events a second, readings included:")
    for number, one in enumerate(rounds, start=1):
        print(
            f"  round {number}: script {one.script:7.0f}   bypunkt {one.ours:7.0f}   {one.ours / one.script:.1f} x"
        )
    print(f"median ratio: {ratio:.1f} x the script")


if __name__ == "__main__":
    main()
