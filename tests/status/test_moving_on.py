"""What the database moves on by itself is what the rules say, and everything else comes back to be judged."""

from collections import defaultdict
from random import Random

import pytest

from services.log.follow import Place
from services.status import tables
from services.status.cases import Case, Key, still_up
from services.status.models import Sign, SignKind
from services.status.moments import millis
from services.storage.database import Lane, Role
from tests.status.lanes import DEVICE, HOME, LaneUnderTest, beat, lane_under_test, moment, status
from tests.support.villages import villages

DEVICES = {f"hs-many-{number:02}": HOME for number in range(60)}
JUDGED = "SELECT last_sign_at, last_event_at, next_change_at, revision FROM bypunkt.device_status WHERE device = $1"


def word(chance: Random, device: str) -> Sign:
    """One more sign of a device, plain or nearly so: at limits, late, restarting, with or without an uplink."""
    at = chance.choice([9999, 10_001, 14_000, 15_000, 15_001, 20_000, 24_999, 25_000])
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
        seen_until = millis(moment(chance.choice([10_000, 14_999, 25_000])))
        async with lane.database.transaction(Role.WORKER, Lane(lane.number)) as connection:
            cases = {case.key: case for case in await tables.cases(connection, sent)}
            place = Place(lane.number, head, head + sum(map(len, sent.values())))
            moved, left = await tables.move_on(connection, place, seen_until=seen_until, revision=99)
        noon = millis(moment(0))
        expected = {key: plainly_up(cases[key], signs, noon, seen_until) for key, signs in sent.items()}
        assert moved + len(left) == len(sent)
        assert 5 < moved < len(sent)
        for key, signs in sent.items():
            if key in left:
                assert sorted(sign.at - noon for sign in left[key]) == sorted(sign.at for sign in signs)
                continue
            row = await lane.admin.fetchrow(JUDGED, key.device)
            last = moment(max(sign.received_at for sign in signs))
            assert tuple(row or ()) == (last, last, moment((expected[key] or 0) - noon), 99)
        # What it leaves although the rules would not have: only where signs stand far apart, or were kept till a birth.
        assert sum(expected[key] is not None for key in left) < len(sent) / 4


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
            moved, left = await tables.move_on(
                connection, Place(lane.number, 1, 2), seen_until=None, revision=9
            )
        assert (moved, list(left)) == (0, [Key(HOME, DEVICE)])
