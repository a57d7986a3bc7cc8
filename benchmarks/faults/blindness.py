"""Q11: nobody is called down because we were away, and who really died meanwhile is found.

Small devices on a fast clock: they report every two seconds, so a minute here is half an hour of those in a village.
Half of them keep what they could not send; the others let it go. Judged by what was asked of the database alone: the
intervals, our sight, the signs, and every moment at which a device was called down, were it only for that moment.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import asyncpg

from benchmarks.faults.audit import looking
from benchmarks.faults.devices import Device, now_ms
from benchmarks.faults.rig import Plan, Rig, rig
from benchmarks.faults.waiting import until
from services.availability.conditions import Condition, condition_of
from services.runtime.spans import Span, Spans, common, length, spans_of, without
from services.status.models import Expectation, Millis

FAULTS = ("broker_stop", "broker_kill", "gateway", "database")
# The judge must not be away when the gateway is: it goes on with what it knows.
APART = (("run", "--role", "gateway"), ("run", "--role", "worker"))
_WARM_WITHIN_S = 90.0
_SETTLE_WITHIN_S = 240.0
_FIND_WITHIN_S = 30.0
_SHOWN = 5

_WITNESS = """
CREATE SCHEMA witness;
CREATE TABLE witness.called_down (device text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE FUNCTION witness.write_down() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO witness.called_down (device) VALUES (NEW.device);
    RETURN NULL;
END $$;
CREATE TRIGGER witness AFTER INSERT OR UPDATE ON bypunkt.device_status
FOR EACH ROW WHEN (NEW.state = 'down') EXECUTE FUNCTION witness.write_down();
"""
_CALLED = (
    "SELECT device, min(extract(epoch FROM at) * 1000)::bigint AS at FROM witness.called_down GROUP BY device"
)
_UP = "SELECT count(*) FROM bypunkt.device_status WHERE state IN ('up', 'degraded')"
_DOWN = "SELECT count(*) FROM bypunkt.device_status WHERE state = 'down' AND device = ANY($1)"
# Whether every lane has been seen for so long since an instant, and judged until then.
_WATCHED = """
SELECT bool_and(EXISTS (
    SELECT
    FROM bypunkt.observation AS o
    JOIN bypunkt.reading_cursor AS c ON c.lane = o.lane AND c.reading = 'status'
    WHERE o.lane = u.lane AND least(o.seen_until, c.caught_up_at) >= greatest(o.seen_from, $1) + $2
))
FROM bypunkt.lane_in_use AS u
"""
_LINES = """
SELECT
    device, state, reason, (extract(epoch FROM starts_at) * 1000)::bigint AS starts,
    (extract(epoch FROM coalesce(ends_at, now())) * 1000)::bigint AS ends, ends_at IS NULL AS present
FROM bypunkt.status_interval
ORDER BY device, starts_at
"""
_SIGHT = """
SELECT
    d.id AS device, (extract(epoch FROM o.seen_from) * 1000)::bigint AS starts,
    (extract(epoch FROM o.seen_until) * 1000)::bigint AS ends
FROM bypunkt.device AS d
JOIN bypunkt.municipality AS m ON m.code = d.municipality
JOIN bypunkt.observation AS o ON o.lane = m.lane
"""
_SIGNS = """
SELECT
    device,
    (extract(epoch FROM CASE WHEN received_at - at <= interval '60 s' THEN received_at ELSE at END) * 1000)::bigint
        AS at
FROM bypunkt.event
WHERE type <> 'device.status' OR data ->> 'state' <> 'offline'
ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """For how long we are away, how many die meanwhile (in the middle of it), and which faults take us away."""

    seconds: float = 90.0
    dying: int = 10
    faults: Sequence[str] = FAULTS
    audited: bool = True


@dataclass(frozen=True, slots=True)
class Stretch:
    """A measured interval of a device; `present` is the one that has no end yet."""

    span: Span
    condition: Condition
    reason: str
    present: bool


@dataclass(slots=True)
class Facts:
    """What the database says at one instant: by device, but for the time in which we were away."""

    away: Span
    limit: Millis
    lines: Mapping[str, Sequence[Stretch]]
    sight: Mapping[str, Spans]
    signs: Mapping[str, Sequence[Millis]]
    called: Mapping[str, Millis]

    def unseen(self, device: str) -> Spans:
        """The time away in which its lane could not see."""
        return without((self.away,), self.sight.get(device, ()))

    def explained(self, device: str) -> Spans:
        """The time between two of its own signs that lie close enough, however late they came."""
        pairs = pairwise(self.signs.get(device, ()))
        return spans_of(pair for pair in pairs if pair[1] - pair[0] <= self.limit)

    def silent_from(self, device: str) -> set[Millis]:
        """Where a silence that lasts may begin: at its last sign, or where our present sight does."""
        signs, sight = self.signs.get(device, ())[-1:], self.sight.get(device, ())[-1:]
        return {*signs, *(span.start for span in sight)}

    def known(self, device: str) -> Spans:
        """The time of which anything but blindness is said."""
        return _said(self.lines.get(device, ()), set(Condition) - {Condition.BLIND})


@dataclass(slots=True)
class Verdict:
    """How it came out; `died` holds when each device really ended."""

    died: Mapping[str, Millis]
    false: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    misdated: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)
    found_at: list[Millis] = field(default_factory=list)
    unseen_ms: Millis = 0
    blind_ms: Millis = 0

    @property
    def clean(self) -> bool:
        """Whether the dead alone were called down, and what nothing is known of is blind (and there is some)."""
        return not (self.false or self.missed or self.misdated or self.unexplained) and self.blind_ms > 0

    def shown(self) -> dict[str, object]:
        """The figures, and of what is wrong the number and the first few."""
        wrong = {
            "false": self.false,
            "missed": self.missed,
            "misdated": self.misdated,
            "unexplained": self.unexplained,
        }
        return {
            "died": len(self.died),
            "found": len(self.found_at),
            "reasons": self.reasons,
            **{name: len(some) for name, some in wrong.items()},
            "unseen_device_s": round(self.unseen_ms / 1000),
            "blind_device_s": round(self.blind_ms / 1000),
            **{f"first_{name}": some[:_SHOWN] for name, some in wrong.items() if some},
        }


def verdict(facts: Facts, devices: Iterable[str], died: Mapping[str, Millis]) -> Verdict:
    """Hold what is said of each device against what happened to it."""
    found = Verdict(died)
    for device in devices:
        line = facts.lines.get(device, ())
        unseen = facts.unseen(device)
        known = common(facts.known(device), unseen)
        found.unseen_ms += length(unseen)
        found.blind_ms += length(unseen) - length(known)
        if beyond := length(without(known, facts.explained(device))):
            found.unexplained.append(f"{device} {beyond} ms")
        if device in died:
            _judge_dead(found, device, facts)
        elif device in facts.called or _said(line, {Condition.DOWN}):
            found.false.append(device)
    return found


def _judge_dead(found: Verdict, device: str, facts: Facts) -> None:
    line, called = facts.lines.get(device, ()), facts.called.get(device)
    last = line[-1] if line else None
    if last is None or called is None or not last.present or last.condition is not Condition.DOWN:
        found.missed.append(device)
        return
    if called < found.died[device]:
        found.false.append(device)
    if last.reason == "silent" and last.span.start not in facts.silent_from(device):
        found.misdated.append(device)
    found.found_at.append(called)
    found.reasons[last.reason] = found.reasons.get(last.reason, 0) + 1


def _said(line: Iterable[Stretch], conditions: Collection[Condition]) -> Spans:
    return spans_of(stretch.span for stretch in line if stretch.condition in conditions)


async def away(folder: Path, plan: Plan, how: Away) -> dict[str, object]:
    """Go away in each way, each time from a new installation; return the figures of each."""
    found: dict[str, dict[str, object]] = {}
    for fault in how.faults:
        below = folder / fault
        below.mkdir()
        below.chmod(0o755)
        async with rig(below, replace(plan, processes=APART)) as installation:
            found[fault] = await _go_away(installation, fault, how)
    return {
        "seed": plan.seed,
        "devices": plan.devices,
        "away_s": how.seconds,
        "away_intervals": round(how.seconds / plan.interval_s, 1),
        **found,
        "clean": all(figures["clean"] for figures in found.values()),
    }


async def _go_away(installation: Rig, fault: str, how: Away) -> dict[str, object]:
    expectation = Expectation.of_seconds(installation.plan.interval_s)
    devices = [device.name for device in installation.fleet.devices]
    async with reporting(installation) as gone:
        async with looking(installation.postgres) as connection:
            await connection.execute(_WITNESS)
            await until(lambda: _count(connection, _UP, at_least=len(devices)), within=_WARM_WITHIN_S)
        await asyncio.sleep(2 * installation.plan.interval_s)
        left_at = now_ms()
        await take_away(installation, fault)
        await asyncio.sleep(how.seconds / 2)
        dying = installation.rng.sample(installation.fleet.devices, how.dying)
        died = {device.name: now_ms() for device in dying}
        gone.update(died)
        await installation.fleet.lose(dying)
        await asyncio.sleep(how.seconds / 2)
        span = Span(left_at, now_ms())
        await installation.mend()
        await _until_judged(installation, died, since=span.end, limit=expectation.silent_after)
        facts = await gathered(installation, span, expectation.silent_after)
    found = verdict(facts, devices, died)
    figures = found.shown()
    if found.found_at:
        figures["found_after_s"] = round((max(found.found_at) - span.end) / 1000, 1)
    clean = found.clean
    if how.audited:
        await installation.settle()
        books = await installation.audit()
        figures["audit"] = books.shown()
        clean = clean and books.clean
    return {"clean": clean, **figures}


async def take_away(installation: Rig, fault: str) -> None:
    """Let one of the parts that we see with be gone; `Rig.mend` brings it back."""
    match fault:
        case "broker_stop":  # it says every last will first, and keeps them for us
            await installation.mosquitto.stop()
        case "broker_kill":
            await installation.broker.kill()
        case "gateway":
            await installation.gateway.kill()
        case "database":
            await installation.database.kill()
        case _:
            raise ValueError(f"there is no fault {fault}; there are {', '.join(FAULTS)}")


@asynccontextmanager
async def reporting(installation: Rig) -> AsyncIterator[set[str]]:
    """Let each device report once an interval, evenly spread; those whose names are put into the set no more."""
    gone: set[str] = set()
    async with asyncio.TaskGroup() as tasks:
        devices, every_s = installation.fleet.devices, installation.plan.interval_s
        task = tasks.create_task(_report(devices, every_s, gone), name="reports")
        yield gone
        task.cancel()


async def _report(devices: Sequence[Device], every_s: float, gone: Collection[str]) -> None:
    began, done = time.monotonic(), 0
    while True:
        due = int((time.monotonic() - began) / every_s * len(devices))
        at_ms = now_ms()
        for turn in range(done, due):
            device = devices[turn % len(devices)]
            keeps = turn % len(devices) % 2 == 0
            if device.name not in gone and (keeps or device.online):
                device.make(1, at_ms)
        done = due
        await asyncio.sleep(0.05)


async def _until_judged(
    installation: Rig, died: Mapping[str, Millis], *, since: Millis, limit: Millis
) -> None:
    """Wait until we see for longer than any silence needs; no longer, once somebody living was called down."""
    async with looking(installation.postgres) as connection:

        async def false() -> bool:
            return any(device not in died for device in await _called(connection))

        async def watched() -> bool:
            enough = await connection.fetchval(
                _WATCHED, _moment(since), timedelta(milliseconds=limit + 5_000)
            )
            return bool(enough) or await false()

        async def found() -> bool:
            return await connection.fetchval(_DOWN, list(died)) == len(died) or await false()

        await until(watched, within=_SETTLE_WITHIN_S, every=0.5)
        with suppress(TimeoutError):  # who is missed is a figure
            await until(found, within=_FIND_WITHIN_S, every=0.5)


async def gathered(installation: Rig, span: Span, limit: Millis) -> Facts:
    """Ask the database for everything at one instant."""
    lines: dict[str, list[Stretch]] = {}
    sight: dict[str, list[Span]] = {}
    signs: dict[str, list[Millis]] = {}
    async with (
        looking(installation.postgres) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        for row in await connection.fetch(_LINES):
            condition = condition_of(row["state"], row["reason"])
            stretch = Stretch(Span(row["starts"], row["ends"]), condition, row["reason"], row["present"])
            lines.setdefault(row["device"], []).append(stretch)
        for row in await connection.fetch(_SIGHT):
            sight.setdefault(row["device"], []).append(Span(row["starts"], row["ends"]))
        for row in await connection.fetch(_SIGNS):
            signs.setdefault(row["device"], []).append(row["at"])
        called = await _called(connection)
    seen = {device: spans_of(spans) for device, spans in sight.items()}
    return Facts(span, limit, lines, seen, signs, called)


async def _called(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, Millis]:
    return {row["device"]: row["at"] for row in await connection.fetch(_CALLED)}


async def _count(connection: "asyncpg.Connection[asyncpg.Record]", query: str, *, at_least: int) -> bool:
    return bool(await connection.fetchval(query) >= at_least)


def _moment(at: Millis) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)
