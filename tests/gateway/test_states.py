"""What the broker says of the devices is what is shown of them, whatever happened in between."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import asyncpg
import pytest
from structlog.testing import capture_logs

from config.app import READINGS
from gateway import states
from gateway.embedded import Mosquitto, MosquittoOptions
from gateway.mqtt import Session, SessionOptions
from gateway.service import Gateway
from gateway.states import A_TURN, LaneStates, Word
from gateway.topics import NativeTopic, state_topic
from services.log.worker import Worker
from services.runtime.clock import now
from services.runtime.tasks import running
from services.storage.database import Database, Role, Tenants
from services.storage.embedded import EmbeddedPostgres
from services.storage.migrate import migrate
from services.tenants.devices import move
from services.tenants.importing import import_registry
from services.tenants.models import Lifecycle
from tests.support.gateways import at_work, dead, device, short_form, stored, topic
from tests.support.villages import lane_of, registry
from tests.support.waiting import eventually

HOTSPOTS = {"hs-lidhult-1", "hs-lidhult-2", "hs-fornasa-1"}


class Screen:
    """A screen at the wall: it keeps the last word on each device, and how many there were."""

    def __init__(self) -> None:
        self.words: dict[str, dict[str, Any]] = {}
        self.heard: list[tuple[str, str | None]] = []
        self.were_retained = 0

    def says(self, name: str) -> str | None:
        """The state of a device, None when nothing is said of it."""
        return self.words[name]["state"] if name in self.words else None

    async def watch(self, session: Session) -> None:
        """Take in what comes, for ever."""
        while True:
            deliveries = await session.batch(limit=100, linger_s=0)
            session.acknowledge(deliveries)
            for delivery in deliveries:
                name = delivery.topic.split("/")[3]
                word = json.loads(delivery.payload) if delivery.payload else None
                self.words.pop(name, None)
                if word is not None:
                    self.words[name] = word
                self.heard.append((name, word["state"] if word else None))
                self.were_retained += delivery.retain


@asynccontextmanager
async def screen(broker: Mosquitto) -> AsyncIterator[Screen]:
    """Somebody who may read the states of all devices."""
    options = SessionOptions(
        host=broker.host,
        port=broker.port,
        client_id="screen",
        subscriptions=("bypunkt/v1/+/+/down/state",),
        retained=True,
        durable=False,
    )
    async with Session(options) as session:
        await session.wait_connected()
        shown = Screen()
        async with running({"screen": lambda: shown.watch(session)}):
            yield shown


@asynccontextmanager
async def judged(url: str, broker: Mosquitto, **options: object) -> AsyncIterator[tuple[Database, Gateway]]:
    """A gateway and a worker at work."""
    async with (
        at_work(url, broker, **options) as (database, gateway),
        running({"worker": Worker(database, READINGS, clock=now).run}),
    ):
        yield database, gateway


async def say(device_session: Session, state: str, name: str = "hs-lidhult-1") -> None:
    """Publish a birth or a good-bye."""
    event = short_form(id=f"{state}-{now():%H%M%S%f}", time=now().isoformat(), data={"state": state})
    await device_session.publish(topic("device.status", name), event, qos=1)


async def shift(database: Database, name: str, lifecycle: Lifecycle) -> None:
    """Move a device in its life cycle."""
    async with database.transaction(Role.WEB, Tenants(("0781", "0583"))) as connection:
        await move(connection, name, lifecycle)


async def test_a_screen_sees_each_change_within_two_seconds_and_a_later_one_sees_the_last(
    database_url: str, mosquitto: Mosquitto
) -> None:
    async with judged(database_url, mosquitto) as (database, _), device(mosquitto, "hs-lidhult-1") as hotspot:
        async with screen(mosquitto) as first:
            await eventually(lambda: set(first.words) == HOTSPOTS)
            word = first.words["hs-lidhult-1"]
            assert (word["state"], word["reason"], word["since"]) == ("blind", "never_seen", None)
            await say(hotspot, "online")
            await eventually(lambda: first.says("hs-lidhult-1") == "up", within=2)
            await say(hotspot, "offline")
            # A good-bye counts when we have seen for five seconds more that nothing came after it.
            await eventually(lambda: first.says("hs-lidhult-1") == "down", within=9)
            assert len([one for one in first.heard if one[0] == "hs-lidhult-1"]) <= 4
        async with screen(mosquitto) as later:
            await eventually(lambda: set(later.words) == HOTSPOTS)
            assert later.were_retained == len(HOTSPOTS)
            word = later.words["hs-lidhult-1"]
            assert (word["state"], word["reason"]) == ("down", "offline")
            assert datetime.fromisoformat(word["since"]) <= datetime.fromisoformat(word["at"]) <= now()
        assert await dead(database) == []  # and we do not take our own words for a device's
        assert len(await stored(database)) == 2


async def test_a_broker_that_forgot_everything_is_told_again(database_url: str, tmp_path: Path) -> None:
    store = tmp_path / "broker"
    async with Mosquitto(store) as mosquitto, judged(database_url, mosquitto):
        async with screen(mosquitto) as before:
            await eventually(lambda: set(before.words) == HOTSPOTS)
        await mosquitto.kill()
        for file in (store / "store").rglob("*"):
            file.unlink()
        await mosquitto.start()
        async with screen(mosquitto) as after:
            await eventually(lambda: set(after.words) == HOTSPOTS, within=15)


async def test_nothing_is_said_of_a_device_out_of_service_also_when_it_left_while_we_were_away(
    database_url: str, mosquitto: Mosquitto
) -> None:
    async with screen(mosquitto) as shown:
        async with judged(database_url, mosquitto) as (database, _):
            await eventually(lambda: set(shown.words) == HOTSPOTS)
            await shift(database, "hs-lidhult-2", "suspended")
            await eventually(lambda: set(shown.words) == HOTSPOTS - {"hs-lidhult-2"}, within=3)
            await shift(database, "hs-lidhult-2", "active")
            await eventually(lambda: set(shown.words) == HOTSPOTS, within=3)
        async with Database.open(database_url) as database:
            await shift(database, "hs-lidhult-2", "retired")
        assert set(shown.words) == HOTSPOTS
        async with judged(database_url, mosquitto):
            await eventually(lambda: set(shown.words) == HOTSPOTS - {"hs-lidhult-2"})
    async with screen(mosquitto) as later:
        await eventually(lambda: set(later.words) == HOTSPOTS - {"hs-lidhult-2"})


async def test_five_hundred_devices_are_told_at_once_and_nothing_comes_twice(
    database_url: str, mosquitto: Mosquitto
) -> None:
    names = {f"hs-many-{number}" for number in range(500)}
    async with Database.open(database_url) as database:
        await import_registry(database, registry(dict.fromkeys(names, "0781")))
    async with screen(mosquitto) as shown, judged(database_url, mosquitto) as (_, gateway):
        began = now()
        await eventually(lambda: names <= set(shown.words), within=10)
        assert now() - began < timedelta(seconds=5)
        assert gateway.seeing
        for lane in gateway.lanes.values():
            assert lane.states is not None
            lane.states.wake(whole=True)
        await asyncio.sleep(1.5)  # there is nothing to wait for: nothing may come
        assert len(shown.heard) == len(names | HOTSPOTS)


async def test_a_worker_that_stands_still_makes_its_devices_blind_and_its_return_does_not(
    database_url: str, admin_url: str, mosquitto: Mosquitto
) -> None:
    async with screen(mosquitto) as shown, at_work(database_url, mosquitto) as (database, _):
        async with running({"worker": Worker(database, READINGS, clock=now).run}):
            async with device(mosquitto, "hs-lidhult-1") as hotspot:
                await say(hotspot, "online")
            await eventually(lambda: shown.says("hs-lidhult-1") == "up")
        admin = await asyncpg.connect(admin_url)
        try:
            await admin.execute(
                "UPDATE bypunkt.reading_cursor SET caught_up_at = caught_up_at - interval '1 minute'"
            )
        finally:
            await admin.close()
        await eventually(lambda: shown.says("hs-lidhult-1") == "blind", within=8)
        assert shown.words["hs-lidhult-1"]["reason"] == "not_watched"
        async with running({"worker": Worker(database, READINGS, clock=now).run}):
            await eventually(lambda: shown.says("hs-lidhult-1") == "up", within=8)


async def test_without_the_database_nothing_is_known_of_any_device(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "UNKNOWN_AFTER", timedelta(seconds=1))
    monkeypatch.setattr(states, "POLL_S", 0.5)
    async with EmbeddedPostgres(fast=True) as postgres:
        await migrate(postgres.dsn())
        async with (
            screen(mosquitto) as shown,
            judged(postgres.dsn(user="bypunkt_app"), mosquitto),
            device(mosquitto, "hs-lidhult-1") as hotspot,
        ):
            await say(hotspot, "online")
            await eventually(lambda: shown.says("hs-lidhult-1") == "up")
            await postgres.kill()
            await eventually(
                lambda: {word["reason"] for word in shown.words.values()} == {"not_watched"}, within=20
            )
            await postgres.start()
            await eventually(lambda: shown.says("hs-lidhult-1") == "up", within=20)
            await eventually(lambda: shown.words["hs-lidhult-2"]["reason"] == "never_seen", within=20)


class SlowBroker:
    """A session whose broker acknowledges nothing until it is let."""

    def __init__(self) -> None:
        self.generation = 1
        self.let = asyncio.Event()
        self.got: list[tuple[str, bytes]] = []
        self.waiting = 0
        self.most = 0

    async def wait_connected(self) -> None:
        """Be connected always."""

    async def publish(self, topic: str, payload: bytes, **_: object) -> None:
        """Acknowledge when let."""
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await self.let.wait()
        self.waiting -= 1
        self.got.append((topic, payload))


async def test_a_slow_broker_gets_the_newest_word_and_few_at_a_time(
    database_url: str, admin_url: str
) -> None:
    names = dict.fromkeys((f"hs-many-{number:03}" for number in range(A_TURN + 50)), "0781")
    broker = SlowBroker()
    async with Database.open(database_url) as database:
        await import_registry(database, registry(names))
        lane = await lane_of(database, "0781")
        telling = LaneStates(database, lane, clock=now, reads=asyncio.Semaphore(1))
        admin = await asyncpg.connect(admin_url)
        try:
            async with running({"states": lambda: telling.run(cast("Session", broker))}):
                await eventually(lambda: broker.waiting)
                for state, reason, revision in (
                    ("up", "heard", 1),
                    ("degraded", "late", 2),
                    ("down", "silent", 3),
                ):
                    await _judge_by_hand(admin, lane, state=state, reason=reason, revision=revision)
                broker.let.set()
                await eventually(lambda: len(broker.got) == len(names), within=10)
                last = state_topic("0781", f"hs-many-{A_TURN + 49}")
                assert [json.loads(payload)["state"] for topic, payload in broker.got if topic == last] == [
                    "down"
                ]
                assert broker.most == states.AT_ONCE
        finally:
            await admin.close()


async def _judge_by_hand(
    admin: "asyncpg.Connection[asyncpg.Record]", lane: int, *, state: str, reason: str, revision: int
) -> None:
    await admin.execute("DELETE FROM bypunkt.device_status")
    await admin.execute(
        "INSERT INTO bypunkt.device_status (municipality, device, lane, state, reason, since, last_sign_at,"
        " last_event_at, expected_interval_s, offline_after_s, revision, changed_revision)"
        " VALUES ('0781', $1, $2, $3, $4, now(), now(), now(), 60, 180, $5, $5)",
        f"hs-many-{A_TURN + 49}", lane, state, reason, revision,
    )  # fmt: skip
    await admin.execute(
        "INSERT INTO bypunkt.status_lane (lane, as_of, revision) VALUES ($1, now(), $2)"
        " ON CONFLICT (lane) DO UPDATE SET revision = $2",
        lane,
        revision,
    )


async def test_a_broker_that_refuses_our_words_still_gets_its_events_taken_in(
    database_url: str, tmp_path: Path
) -> None:
    acl = "topic readwrite bypunkt/canary/#\ntopic readwrite bypunkt/v1/+/+/+\ntopic read bypunkt/v1/+/+/down/#\n"
    with capture_logs() as logs:
        async with (
            Mosquitto(tmp_path / "closed", options=MosquittoOptions(acl=acl)) as closed,
            judged(database_url, closed) as (database, _),
            device(closed, "hs-lidhult-1") as hotspot,
        ):
            await say(hotspot, "online")
            await eventually(lambda: _count(database, 1))
            await eventually(lambda: [entry for entry in logs if entry["event"] == "state_refused"])
            assert not [entry for entry in logs if entry["event"] == "task_failed"]


async def test_an_error_in_telling_does_not_end_the_taking_in(
    database_url: str, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(states, "lane_shown", fails)
    async with (
        at_work(database_url, mosquitto) as (database, gateway),
        device(mosquitto, "hs-lidhult-1") as hotspot,
    ):
        sessions = {lane.session for lane in gateway.lanes.values()}
        await say(hotspot, "online")
        await eventually(lambda: _count(database, 1))
        await asyncio.sleep(0.5)
        assert {lane.session for lane in gateway.lanes.values()} == sessions


async def test_it_can_be_left_out(database_url: str, mosquitto: Mosquitto) -> None:
    async with (
        screen(mosquitto) as shown,
        judged(database_url, mosquitto, states=False) as (database, gateway),
    ):
        assert all(lane.states is None for lane in gateway.lanes.values())
        async with device(mosquitto, "hs-lidhult-1") as hotspot:
            await say(hotspot, "online")
            await eventually(lambda: _count(database, 1))
        assert shown.heard == []


def test_nobody_can_take_a_word_for_an_event_or_a_command() -> None:
    assert NativeTopic.parse(state_topic("0781", "hs-lidhult-1")) is None
    said = json.loads(Word("up", "heard", now()).payload(now()))
    assert set(said) == {"state", "reason", "since", "at"}  # a command has a name, and an id


async def _count(database: Database, count: int) -> bool:
    return len(await stored(database)) == count
