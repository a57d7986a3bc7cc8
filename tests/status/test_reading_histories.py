"""The tables are a function of the set of events, whatever the order of arrival: random histories, live and rebuilt.

`HYPOTHESIS_PROFILE=thorough` plays 150 histories instead of 6; each names its seed when it fails.
"""

import os
from random import Random
from typing import Any

import pytest

from services.status.models import Sign, SignKind
from tests.status.lanes import DEVICE, LaneUnderTest, lane_under_test

SEEDS = range(150 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 6)
DEVICES = (DEVICE, "hs-lidhult-2")
LENGTH_S = 900
KINDS = [SignKind.HEARTBEAT, SignKind.OTHER, SignKind.BIRTH, SignKind.OFFLINE, SignKind.RESTARTING]


def history(chance: Random) -> list[tuple[str, Sign]]:
    """What two devices send: heartbeats with holes, connections that come and go, buffers sent later."""
    signs: list[tuple[str, Sign]] = []
    for device in DEVICES:
        calm = chance.random() < 0.6
        reports_uplink = device != DEVICE
        at, conn = chance.randrange(0, 60) * 1000, 0
        while at < LENGTH_S * 1000:
            late = chance.choice([0, 0, 700, 59_000, 61_000, 200_000, -40_000])
            odd = chance.random() < (0.1 if calm else 0.4)
            kind = chance.choices(KINDS, [3, 2, 1, 2, 0.5])[0] if odd else SignKind.HEARTBEAT
            conn += kind is SignKind.BIRTH
            named = kind in {SignKind.BIRTH, SignKind.OFFLINE} and chance.random() < 0.8
            older = kind is SignKind.OFFLINE and chance.random() < 0.3
            sign = Sign(
                at,
                max(at + (late if odd and kind is not SignKind.OFFLINE else 0), 0),
                kind,
                boot="b1" if named else None,
                conn=f"c{conn - older}" if named else None,
                uplink_ok=chance.random() < 0.9 if kind is SignKind.HEARTBEAT and reports_uplink else None,
            )
            signs.append((device, sign))
            if kind is SignKind.OFFLINE or (not calm and odd):
                at += chance.choice([1, 1000, 4999, 15_000, 15_001, 30_000, 30_001, 90_000])
            else:
                at += chance.choice([10_000, 10_000, 9000, 4000])
    return signs


def canaries(chance: Random) -> list[tuple[int, int, int, bool]]:
    """What the gateway writes: (when, seen from, seen until, closed)."""
    writes, at = [], chance.choice([-30_000, 0, 20_000])
    while at < LENGTH_S * 1000:
        start = at
        for _ in range(chance.randrange(1, 60)):
            writes.append((at, start, at, False))
            at += chance.choice([5000, 5000, 5000, 14_000])
        last = writes[-1][0]
        if chance.random() < 0.6:
            writes.append((last + chance.randrange(0, 9000), start, last, True))
        at = max(at, writes[-1][0]) + chance.choice([1000, 4000, 20_000, 100_000])
    return writes


async def play(lane: LaneUnderTest, chance: Random) -> None:
    """Let it all happen in time, the reading woken at odd moments, some events again and some out of order."""
    happenings: list[tuple[int, str, Any]] = [
        (sign.received_at, "event", (device, sign)) for device, sign in history(chance)
    ]
    happenings += [(when, "canary", write) for when, *write in canaries(chance)]
    happenings += [(when * 1000, "expect", None) for when in chance.sample(range(LENGTH_S), 2)]
    sent: list[tuple[str, Sign]] = []
    prompt = chance.random() < 0.6
    for when, what, which in sorted(happenings, key=lambda happening: (happening[0], happening[1])):
        lane.now = max(lane.now, when)
        if what == "event":
            sent.append(which)
        elif what == "canary":
            start, end, closed = which
            await lane.see(start, end, closed=closed)
        else:
            await lane.expect(*chance.choice([(10, 30), (20, 45), (2, 6), (10, 12)]))
            lane.now += 5000
            await lane.step()
        if prompt and sent:
            await lane.store(sent)
            sent = []
            await lane.step()
        elif chance.random() < 0.25:
            sent = await deliver(lane, sent, chance)
        if chance.random() < 0.1:
            await lane.step()
        if chance.random() < 0.05:
            assert await lane.differences() == []
    while sent:
        sent = await deliver(lane, sent, chance)
    lane.now = max(lane.now, LENGTH_S * 1000 + 200_000) + chance.randrange(0, 100_000)


async def deliver(
    lane: LaneUnderTest, sent: list[tuple[str, Sign]], chance: Random
) -> list[tuple[str, Sign]]:
    chance.shuffle(sent)
    cut = chance.randrange(0, len(sent) + 1)
    now, later = sent[:cut], sent[cut:]
    if now:
        await lane.store(now + chance.choices(now, k=2))
        if chance.random() < 0.7:
            await lane.step()
    return later


@pytest.mark.parametrize("seed", SEEDS)
async def test_live_tables_equal_what_the_log_gives(database_url: str, admin_url: str, seed: int) -> None:
    async with lane_under_test(database_url, admin_url) as lane:
        await play(lane, Random(seed))
        while (await lane.step()).events:
            assert await lane.differences() == []
        await lane.step()
        assert await lane.differences() == []
        live = await lane.tables()
        await lane.rebuild()
        assert await lane.tables() == live
        assert len(live[1]) > 10
