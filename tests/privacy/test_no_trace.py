"""Of 1,000 known visitors nothing is left: not in the database, the program's log, or an agent's spool (Q19)."""

import io
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import asyncpg
import pytest
import structlog

from config.app import READINGS
from config.logs import set_up
from config.settings import LogOptions
from gateway.agent.failures import NotAnEvent
from gateway.agent.options import WifiOptions
from gateway.agent.sources.wifi import Interface
from gateway.embedded import Mosquitto
from gateway.mqtt import Session
from services.events import moment
from services.log.follow import Follower, LaneSignals
from services.runtime.clock import now
from services.storage.backup import programs
from services.storage.database import Database
from tests.events.samples import TYPES, sample
from tests.gateway.agent.agents import at_work as agent_at_work
from tests.privacy.traces import Search, Visitor, traces, visitors
from tests.support.gateways import at_work, dead, device, stored, topic
from tests.support.villages import LIDHULT, lane_of
from tests.support.waiting import eventually

KNOWN = visitors(1_000)
BATCH = 50
WITHIN = 240


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """All that the program logs, as it would in production and at its most talkative; put back afterwards."""
    root, ours = logging.getLogger(), structlog.get_config()
    handlers, level = list(root.handlers), root.level
    said = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", said)
        set_up(LogOptions(level="debug", format="json"))
    structlog.get_logger().debug("log_is_kept")
    # Loggers that remember where they wrote would write there in later tests too.
    structlog.configure(**(structlog.get_config() | {"cache_logger_on_first_use": False}))
    yield said
    structlog.configure(**ours)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="module")
def search() -> Search:
    return Search(KNOWN)


def fields(event_type: str) -> list[str]:
    """The fields of an event type that hold text, and some that it does not have."""
    return [
        *(name for name, value in sample(event_type)["data"].items() if isinstance(value, str)),
        "mac",
        "clients",
    ]


def spelled(number: int) -> str:
    """One of the spellings of one of the visitors, all of both in turn."""
    texts = KNOWN[number % len(KNOWN)].spelled()
    return texts[(number * 7) % len(texts)]


def native() -> Iterator[tuple[str, bytes]]:
    """Messages with an address in each text field of each event type, and in each attribute of the envelope."""
    number = 0
    for event_type in TYPES:
        for name in fields(event_type):
            batch = []
            for _ in range(BATCH):
                number += 1
                text = spelled(number)
                said = sample(event_type)
                said |= {"id": f"p-{number}", "seq": number, "time": moment.write(now())}
                said["data"][name] = text if number % 3 else f"from {text} lost"
                batch.append(said)
            yield topic(event_type), json.dumps(batch).encode()
    for name in ("id", "boot", "conn", "time", "source", "type", "subject", "x-client"):
        batch = []
        for place, visitor in enumerate(KNOWN[: 2 * BATCH]):
            texts = visitor.spelled_out() if name in ("id", "boot", "conn") else visitor.spelled()
            present = {**sample("kiosk.view"), "id": f"q-{name}-{place}", "time": moment.write(now())}
            batch.append({**present, name: texts[place % len(texts)]})
        yield topic("kiosk.view"), json.dumps(batch).encode()


def foreign() -> Iterator[tuple[str, bytes]]:
    """What other makers' devices would say, on our topics: lists of clients, lines of text, broken and binary."""
    for number, visitor in enumerate(KNOWN):
        text = spelled(number)
        mac = visitor.spelled()[0]
        yield topic("wifi.usage"), (
            json.dumps({"type": "DeviceMonitoring", "interfaces": [{"wireless": {"clients": [{"mac": text}]}}]}),
            json.dumps({"data": {"iface": "wlan0", "clients": [{"mac": mac, "ip": str(visitor.v4)}]}}),
            json.dumps([{"mac": mac, "ipv6": str(visitor.v6), text: 1}]),
            f"1717400000.123:{text}\x00",
            f'{{"data": {{"ssid": "{text}", "clients": 1',
            f"Station {mac} (on wlan0) {visitor.v4}",
        )[number % 6].encode() + (visitor.mac if number % 12 == 5 else b"")  # fmt: skip


async def send(session: Session, messages: Iterator[tuple[str, bytes]]) -> int:
    """Publish messages, and return how many."""
    count = 0
    for where, payload in messages:
        await session.publish(where, payload, qos=1)
        count += 1
    return count


async def read_all(database: Database) -> None:
    """Let every reading take in what has been stored."""
    lane = await lane_of(database, LIDHULT[0])
    for reading in READINGS:
        follower = Follower(database, reading, lane, clock=now, signals=LaneSignals())
        while (await follower.step()).events:
            pass


async def dump(admin_url: str) -> str:
    """Return all that the database holds, as text."""
    admin = await asyncpg.connect(admin_url)
    try:
        major = admin.get_server_version().major
    finally:
        await admin.close()
    program = programs.find("pg_dump", at_least=major)
    pieces: list[bytes] = []
    await programs.run(program, [], url=admin_url, take=pieces.append)
    return b"".join(pieces).decode()


def on_disk(folder: Path) -> str:
    """Return all that a spool's files hold."""
    return "".join(path.read_bytes().decode("latin-1") for path in sorted(folder.glob("spool*")))


async def test_nothing_that_a_device_sends_leaves_a_trace_of_a_visitor(
    database_url: str,
    admin_url: str,
    mosquitto: Mosquitto,
    log: io.StringIO,
    search: Search,
) -> None:
    set_up(LogOptions(level="debug", format="json"))
    async with (
        at_work(database_url, mosquitto) as (database, _),
        device(mosquitto, "hs-lidhult-1") as session,
    ):
        sent = await send(session, native())
        sent += await send(session, foreign())
        last = json.dumps({"id": "the-last", "data": {"uptime_s": 1}}).encode()
        await session.publish(topic("device.heartbeat"), last, qos=1)

        async def all_came() -> bool:
            return "the-last" in await stored(database)

        await eventually(all_came, within=WITHIN)
        await read_all(database)
        kept, refused = len(await stored(database)), len(await dead(database))
        everything = await dump(admin_url)
        assert search.found(everything) == set()
        # The same search finds one that is there.
        admin = await asyncpg.connect(admin_url)
        try:
            planted = KNOWN[417].spelled()[3]
            await admin.execute(
                "UPDATE bypunkt.dead_letter SET detail = $1 WHERE id % 100 = 0", f"a {planted} b"
            )
        finally:
            await admin.close()
        assert search.found(await dump(admin_url)) == {planted}
    said = log.getvalue()
    assert '"event": "log_is_kept"' in said
    assert search.found(said) == set()
    sys.stderr.write(
        f"{sent} messages, {kept} events stored, {refused} refused, {len(everything)} characters in the dump, "
        f"{len(said)} in the log\n"
    )
    assert kept > 400
    assert refused > 1_000


async def test_nothing_of_a_visitor_is_in_an_agents_spool_or_log(
    tmp_path: Path, log: io.StringIO, search: Search
) -> None:
    async def iw(arguments: Sequence[str]) -> bytes:
        if "dump" in arguments:
            return "".join(
                f"Station {one.spelled()[0]} (on wlan0)\n\trx bytes: 1\n" for one in KNOWN
            ).encode()
        return b"Interface wlan0\n\tssid Byn\n"

    interface = Interface(WifiOptions(iface="wlan0"), every_s=300, root=tmp_path, ask=iw)
    kept = refused = 0
    async with agent_at_work(tmp_path) as agent:
        for fact in await interface.usage():
            await agent.keep(fact)
        for number in range(600):
            event_type = TYPES[number % len(TYPES)]
            name = fields(event_type)[number // len(TYPES) % len(fields(event_type))]
            try:
                await agent.report(event_type, {**sample(event_type)["data"], name: spelled(number)})
                kept += 1
            except NotAnEvent:
                refused += 1
    held = on_disk(tmp_path)
    assert '"clients":1000' in held
    assert search.found(held) == set()
    assert "agent_started" in log.getvalue()
    assert search.found(log.getvalue()) == set()
    assert min(kept, refused) > 50


@pytest.mark.parametrize("number", [0, 500, 999])
def test_the_search_finds_every_form_of_an_address(number: int, search: Search) -> None:
    visitor: Visitor = KNOWN[number]
    forms = list(traces(visitor))
    assert len(forms) > 300
    for form, folded in forms:
        assert search.found(f"xx{form}yy"), form
        assert not folded or search.found(f"xx{form.upper()}yy"), form
    assert search.found("nothing to see 23.05.2, 20260603, 01J0000STATUS") == set()
