"""What the database moves on by itself is what the rules say, and everything else comes back to be judged."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random

import pytest

from services.log.follow import Place
from services.status import judging, reading, tables
from services.status.cases import Case, Key, still_up
from services.status.judging import Judged, Known, Task, Verdict, verdicts_of
from services.status.models import Reason, Sign, SignKind
from services.status.moments import millis
from services.status.observed import Observed
from services.storage.database import Connection, Lane, Role
from tests.status.lanes import DEVICE, HOME, LaneUnderTest, beat, lane_under_test, moment, status
from tests.support.villages import villages

DEVICES = {f"hs-many-{number:02}": HOME for number in range(60)}
REVISION = "SELECT revision FROM bypunkt.device_status WHERE device = $1"


def word(chance: Random, device: str) -> Sign:
    """One more sign of a device, plain or nearly so: at limits, late, restarting, with or without an uplink."""
    near = [9999, 10_001, 14_000, 15_000, 15_001, 20_000, 24_999, 25_000]
    at = chance.choice([*near, 25_001, 25_002, 30_000, 39_999, 40_000, 40_001, 41_000])
    delay = chance.choice([0, 0, 0, 0, 60_000, 60_001, -2000])
    kind = chance.choices(
        [SignKind.HEARTBEAT, SignKind.OTHER, SignKind.BIRTH, SignKind.RESTARTING, SignKind.OFFLINE],
        [6, 3, 0.3, 0.3, 0.3],
    )[0]
    says = {0: None, 1: True, 2: False}[int(device[-1]) % 3]
    uplink_ok = chance.choices([says, True, None], [8, 1, 1])[0]
    return Sign(at - delay, at, kind, uplink_ok=uplink_ok if kind is SignKind.HEARTBEAT else None)


async def prepare(lane: LaneUnderTest, chance: Random) -> None:
    """Every device is heard at 10 s; some are born after a heartbeat that they kept, some wait for a will."""
    lane.now = 10_000
    await lane.see(-600_000, 10_000)
    first = []
    for device in DEVICES:
        says = {0: None, 1: True, 2: False}[int(device[-1]) % 3]
        if chance.random() < 0.3:
            first.append((device, status(SignKind.BIRTH, chance.choice([5, 9, 10]), boot="b", conn="c")))
        if chance.random() < 0.1:
            first.append((device, status(SignKind.OFFLINE, 9.5, boot="b", conn="c")))
        first.append((device, beat(10, uplink_ok=says)))
    await lane.store(first)
    await lane.step()
    for device in chance.sample(list(DEVICES), 6):
        await lane.expect(20, 60, device=device)
    await lane.admin.execute(
        "UPDATE bypunkt.device SET lifecycle = 'suspended' WHERE id = ANY($1)",
        chance.sample(list(DEVICES), 3),
    )
    for device in chance.sample(list(DEVICES), 4):
        await lane.expect(3, 4, device=device)


@pytest.mark.parametrize("seed", range(8))
async def test_the_database_moves_on_only_what_the_rules_say_is_still_up(
    database_url: str, admin_url: str, seed: int
) -> None:
    chance = Random(seed)
    async with lane_under_test(database_url, admin_url) as lane, villages(database_url, devices=DEVICES):
        await lane.admin.execute("UPDATE bypunkt.device SET expected_interval_s = 10, offline_after_s = 30")
        await prepare(lane, chance)
        head = await lane.admin.fetchval("SELECT head FROM bypunkt.lane WHERE lane = $1", lane.number)
        sent: dict[Key, list[Sign]] = defaultdict(list)
        for device in DEVICES:
            for sign in {word(chance, device) for _ in range(chance.choice([1, 1, 1, 2, 3]))}:
                sent[Key(HOME, device)].append(sign)
        await lane.store((key.device, sign) for key, signs in sent.items() for sign in signs)
        seen_until = chance.choice([26_000, 27_000, 30_000])
        await lane.see(-600_000, seen_until)
        async with lane.database.transaction(Role.WORKER, Lane(lane.number)) as connection:
            before = {case.key: case for case in await tables.cases(connection, sent)}
            place = Place(lane.number, head, head + sum(map(len, sent.values())))
            moved = await tables.move_on(
                connection, place, seen_until=millis(moment(seen_until)), revision=99
            )
        left = moved.left
        noon = millis(moment(0))
        assert moved.number + len(left) == len(sent)
        assert 5 < moved.number < len(sent)
        for key, signs in left.items():
            assert sorted(sign.at - noon for sign in signs) == sorted(sign.at for sign in sent[key])
        gone_on = [case for key, case in before.items() if key not in left]
        told = await judged_afresh(lane, gone_on, position=place.head, as_of=41_000, seen_until=seen_until)
        async with lane.database.transaction(Role.WORKER, Lane(lane.number)) as connection:
            after = {case.key: case.status for case in await tables.cases(connection, told)}
            intervals = await tables.intervals_since(connection, dict.fromkeys(told, 0))
        for key, verdict in told.items():
            assert (after[key], intervals[key]) == (verdict.status, list(verdict.intervals))
            assert await lane.admin.fetchval(REVISION, key.device) == 99
        assert min(verdict.status.next_change_at or 0 for verdict in told.values()) == moved.due_from
        assert any(verdict.intervals[-2:][0].reason is Reason.LATE for verdict in told.values())
        # What it leaves although the rules would not have: only where signs stand far apart, or were kept till a birth.
        plain = {
            key: plainly_up(before[key], signs, noon, millis(moment(seen_until)))
            for key, signs in sent.items()
        }
        assert sum(plain[key] is not None for key in left) < len(sent) / 4


async def judged_afresh(
    lane: LaneUnderTest, cases: list[Case], *, position: int, as_of: int, seen_until: int
) -> dict[Key, Verdict]:
    """What the log gives of these devices, from the first sign on."""
    known = Known(
        lane.number, position, millis(moment(as_of)), Observed(open=True, until=millis(moment(seen_until)))
    )
    async with lane.database.transaction(Role.WORKER, Lane(lane.number)) as connection:
        found = [one async for one in verdicts_of(connection, known, [Task(case.afresh()) for case in cases])]
    return {verdict.case.key: verdict for verdicts in found for verdict in verdicts}


def plainly_up(case: Case, signs: list[Sign], noon: int, seen_until: int) -> int | None:
    shifted = [
        Sign(sign.at + noon, sign.received_at + noon, sign.kind, sign.boot, sign.conn, sign.uplink_ok)
        for sign in signs
    ]
    return still_up(case, shifted, seen_until=seen_until) if case.judged else None


async def test_without_sight_nothing_is_moved_on(database_url: str, admin_url: str) -> None:
    async with lane_under_test(database_url, admin_url) as lane:
        lane.now = 10_000
        await lane.see(-600_000, 10_000)
        await lane.hear(beat(10))
        await lane.store([(DEVICE, beat(15))])
        async with lane.database.transaction(Role.WORKER, Lane(lane.number)) as connection:
            moved = await tables.move_on(connection, Place(lane.number, 1, 2), seen_until=None, revision=9)
        assert (moved.number, list(moved.left)) == (0, [Key(HOME, DEVICE)])


async def late_at_26(lane: LaneUnderTest) -> list[tuple[float, str]]:
    lane.now = 26_000
    await lane.step()
    assert await lane.state() == ("degraded", "late")
    assert await lane.differences() == []
    return await lane.history()


async def test_who_is_not_heard_in_time_is_late_and_up_again_with_the_next_sign(
    database_url: str, admin_url: str
) -> None:
    async with lane_under_test(database_url, admin_url) as lane:
        lane.now = 10_000
        await lane.see(-600_000, 10_000)
        await lane.hear(beat(10))
        await lane.see(-600_000, 26_000)
        assert await late_at_26(lane) == [(10.0, "heard"), (25.0, "late")]
        lane.now = 40_000
        await lane.see(-600_000, 36_000)
        await lane.hear(beat(40))
        assert await lane.history() == [(10.0, "heard"), (25.0, "late"), (40.0, "heard")]
        assert await lane.differences() == []
        # Both at once: late since 55, and heard at the last instant before it would be down.
        lane.now = 70_001
        await lane.see(-600_000, 70_000)
        await lane.hear(beat(70))
        assert (await lane.history())[3:] == [(55.0, "late"), (70.0, "heard")]
        assert await lane.differences() == []
        # Late twice: between the two signs of one batch too.
        lane.now = 112_001
        await lane.see(-600_000, 112_000)
        await lane.hear(beat(90), beat(112))
        assert (await lane.history())[5:] == [
            (85.0, "late"),
            (90.0, "heard"),
            (105.0, "late"),
            (112.0, "heard"),
        ]
        assert await lane.differences() == []
        lane.now = 143_001
        await lane.see(-600_000, 143_000)
        await lane.step()
        assert (await lane.history())[8:] == [(112.0, "silent")]
        assert await lane.differences() == []


async def test_who_was_heard_shortly_before_we_began_to_see_is_down_later(
    database_url: str, admin_url: str
) -> None:
    async with lane_under_test(database_url, admin_url) as lane:
        lane.now = 12_000
        await lane.see(12_000, 12_000)
        await lane.hear(beat(5))
        await lane.see(12_000, 26_000)
        assert await late_at_26(lane) == [(5.0, "heard"), (20.0, "late")]
        lane.now = 42_000
        await lane.see(12_000, 42_000)
        await lane.step()
        assert await lane.state() == ("degraded", "late")
        await lane.see(12_000, 42_001)
        lane.now = 42_001
        await lane.step()
        assert await lane.state() == ("down", "silent")
        assert await lane.differences() == []


def many(seconds: float) -> list[tuple[str, Sign]]:
    """Every device is heard at the same moment."""
    return [(device, beat(seconds)) for device in DEVICES]


async def heard_at_10_and_seen_until_12(lane: LaneUnderTest, *, offline_after_s: int) -> str:
    """All devices are heard at 10 s, and our sight ends at 12 s; returns one of them."""
    await lane.admin.execute(
        "UPDATE bypunkt.device SET expected_interval_s = 10, offline_after_s = $1", offline_after_s
    )
    lane.now = 10_000
    await lane.see(-600_000, 10_000)
    await lane.store(many(10))
    await lane.step()
    lane.now = 13_000
    await lane.see(-600_000, 12_000, closed=True)
    return next(iter(DEVICES))


async def test_a_lane_that_we_do_not_see_for_a_while_is_turned_as_a_whole(
    database_url: str, admin_url: str
) -> None:
    async with lane_under_test(database_url, admin_url) as lane, villages(database_url, devices=DEVICES):
        name = await heard_at_10_and_seen_until_12(lane, offline_after_s=60)
        with judging_counted() as judged:
            await lane.step()
            assert await lane.state(name) == ("blind", "not_watched")
            lane.now = 40_000
            await lane.see(40_000, 40_000)
            await lane.step()
            assert await lane.state(name) == ("blind", "unproven")
            assert await lane.differences() == []
            lane.now = 50_000
            await lane.see(40_000, 50_000)
            await lane.store(many(45))
            await lane.step()
        # There before and after: up all the while, but for being late.
        assert await lane.history(name) == [(10.0, "heard"), (25.0, "late"), (45.0, "heard")]
        assert await lane.differences() == []
        assert judged == []


async def test_who_is_not_heard_after_we_see_again_is_down_from_then_on(
    database_url: str, admin_url: str
) -> None:
    async with lane_under_test(database_url, admin_url) as lane, villages(database_url, devices=DEVICES):
        name = await heard_at_10_and_seen_until_12(lane, offline_after_s=30)
        await lane.step()
        lane.now = 100_000
        await lane.see(100_000, 100_000)
        await lane.step()
        lane.now = 130_001
        await lane.see(100_000, 130_001)
        await lane.step()
        assert await lane.history(name) == [(10.0, "heard"), (12.0, "not_watched"), (100.0, "silent")]
        assert await lane.differences() == []


@contextmanager
def judging_counted() -> Iterator[list[Task]]:
    """Collect what is judged one by one."""
    collected: list[Task] = []
    whole = judging.judge

    async def counted(
        connection: Connection, known: Known, wanted: Sequence[Task], *, revision: int
    ) -> Judged:
        collected.extend(wanted)
        return await whole(connection, known, wanted, revision=revision)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "judge", counted)
        yield collected
