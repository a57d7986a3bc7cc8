"""A lane on a real database that a test feeds by hand: events, canaries, and a clock."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import asyncpg

from services.log.append import append
from services.log.follow import Follower, LaneSignals, Step, rebuild_lane, verify_lane
from services.status.models import Sign, SignKind
from services.status.reading import StatusReading
from services.storage.database import Database, Lane, Role
from tests.support.villages import NOON, heartbeat, lane_of, villages

TYPES = {SignKind.HEARTBEAT: "device.heartbeat", SignKind.OTHER: "kiosk.view"}
SAID = {SignKind.BIRTH: "online", SignKind.OFFLINE: "offline", SignKind.RESTARTING: "restarting"}
HOME, DEVICE = "0781", "hs-lidhult-1"
STATUSES = """
SELECT municipality, device, state, reason, since, last_sign_at, last_event_at, next_change_at,
       expected_interval_s, offline_after_s, boot, conn, uplink_ok, born_at
FROM bypunkt.device_status ORDER BY municipality, device
"""
INTERVALS = "SELECT * FROM bypunkt.status_interval ORDER BY municipality, device, starts_at"


def moment(ms: int) -> datetime:
    """Milliseconds after noon as a moment."""
    return NOON + timedelta(milliseconds=ms)


@dataclass
class LaneUnderTest:
    """One lane: `now` is milliseconds after noon."""

    database: Database
    admin: asyncpg.Connection
    number: int
    now: int = 0
    reading: StatusReading = field(default_factory=StatusReading)
    names: set[str] = field(default_factory=set)

    async def store(self, signs: Iterable[tuple[str, Sign]]) -> None:
        """Append signs of devices to the log; the same sign twice is the same event twice."""
        events = []
        for device, sign in signs:
            data: dict[str, object] = {"state": SAID[sign.kind]} if sign.kind in SAID else {}
            if sign.uplink_ok is not None:
                data["uplink_ok"] = sign.uplink_ok
            events.append(
                heartbeat(
                    0,
                    at=moment(sign.at),
                    received_at=moment(sign.received_at),
                    device=device,
                    id=f"{sign.kind}-{sign.boot}-{sign.conn}-{sign.uplink_ok}-{sign.received_at}",
                    type=TYPES.get(sign.kind, "device.status"),
                    boot=sign.boot,
                    conn=sign.conn,
                    data=data,
                )
            )
        async with self.database.transaction(Role.INGEST, Lane(self.number)) as connection:
            await append(connection, self.number, events)

    async def hear(self, *signs: Sign, device: str = DEVICE) -> None:
        """Append signs, and let the reading take them in."""
        await self.store((device, sign) for sign in signs)
        await self.step()

    async def see(self, start: int, end: int, *, closed: bool = False) -> None:
        """Record seen time, as the gateway does."""
        await self.admin.execute(
            "INSERT INTO bypunkt.observation VALUES ($1, $2, $3, $4) ON CONFLICT (lane, seen_from) DO UPDATE"
            " SET seen_until = excluded.seen_until, closed = excluded.closed",
            self.number, moment(start), moment(end), closed,
        )  # fmt: skip

    async def expect(self, interval_s: int, offline_after_s: int, *, device: str = DEVICE) -> None:
        await self.admin.execute(
            "UPDATE bypunkt.device SET expected_interval_s = $2, offline_after_s = $3 WHERE id = $1",
            device, interval_s, offline_after_s,
        )  # fmt: skip

    async def step(self) -> Step:
        """Let the reading follow the log by one batch."""
        follower = Follower(
            self.database, self.reading, self.number, clock=lambda: moment(self.now), signals=LaneSignals()
        )
        return await follower.step()

    async def differences(self) -> list[str]:
        return await verify_lane(self.database, self.reading, self.number)

    async def rebuild(self) -> None:
        await rebuild_lane(self.database, self.reading, self.number, now=moment(self.now))

    async def state(self, device: str = DEVICE) -> tuple[str, str]:
        """State and reason of a device, as they were judged."""
        row = await self.admin.fetchrow(
            "SELECT state, reason FROM bypunkt.device_status WHERE device = $1", device
        )
        return (row["state"], row["reason"]) if row else ("blind", "never_seen")

    async def history(self, device: str = DEVICE) -> list[tuple[float, str]]:
        """The device's intervals: seconds after noon, reason."""
        rows = await self.admin.fetch(
            "SELECT starts_at, reason FROM bypunkt.status_interval WHERE device = $1 ORDER BY 1", device
        )
        return [((row["starts_at"] - NOON).total_seconds(), row["reason"]) for row in rows]

    async def tables(self) -> list[list[tuple[object, ...]]]:
        """Everything that the reading wrote, but for revisions and the time of judgement."""
        queries = (STATUSES, INTERVALS)
        return [[tuple(row) for row in await self.admin.fetch(query)] for query in queries]


@asynccontextmanager
async def lane_under_test(database_url: str, admin_url: str) -> AsyncIterator[LaneUnderTest]:
    """A lane with two devices, expected every 10 s and down after 30 s of silence."""
    async with villages(database_url) as database:
        admin = await asyncpg.connect(admin_url)
        try:
            await admin.execute("UPDATE bypunkt.device SET expected_interval_s = 10, offline_after_s = 30")
            yield LaneUnderTest(database, admin, await lane_of(database, HOME))
        finally:
            await admin.close()


def beat(at_s: float, *, received_s: float | None = None, uplink_ok: bool | None = None) -> Sign:
    """A heartbeat, in seconds."""
    received = at_s if received_s is None else received_s
    return Sign(int(at_s * 1000), int(received * 1000), SignKind.HEARTBEAT, uplink_ok=uplink_ok)


def status(kind: SignKind, at_s: float, *, boot: str | None = None, conn: str | None = None) -> Sign:
    """A birth, an offline sign or a restart, in seconds."""
    return Sign(int(at_s * 1000), int(at_s * 1000), kind, boot, conn)
