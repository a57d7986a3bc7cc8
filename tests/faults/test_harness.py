"""The parts of the harness that judge: they must be right before they may say that something else is."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from benchmarks.faults import wire
from benchmarks.faults.accounting import Account
from benchmarks.faults.audit import Audit, _judge
from benchmarks.faults.devices import Device, Habits
from benchmarks.faults.hostile import generated
from benchmarks.faults.soak import slope

HOUR = [(number / 60, 100 + number % 2) for number in range(60)]


def device(made: int, *, confirmed: int) -> Device:
    one = Device("hs-fault-1", "0781", Habits(), rng=random.Random(1))
    one.make(made, at_ms=0)
    one.confirm(f"n-{number}" for number in range(confirmed))
    return one


def judged(one: Device, stored: dict[str, int], *, everything: bool = True) -> Audit:
    found = Audit()
    _judge(found, one, Counter(stored), everything=everything)
    return found


def test_all_stored_once_is_clean() -> None:
    found = judged(device(3, confirmed=3), {"n-0": 1, "n-1": 1, "n-2": 1})
    assert (found.clean, found.stored, found.confirmed) == (True, 3, 3)


def test_what_is_confirmed_and_missing_is_lost_and_what_is_made_only_if_all_must_be_there() -> None:
    stored = {"n-0": 1}
    assert judged(device(3, confirmed=2), stored, everything=False).lost == ["hs-fault-1 n-1"]
    assert judged(device(3, confirmed=2), stored).lost == ["hs-fault-1 n-1", "hs-fault-1 n-2"]


def test_a_birth_that_was_confirmed_may_not_be_missing_either() -> None:
    one = device(0, confirmed=0)
    one.confirm(["birth-b-1"])
    assert judged(one, {}).lost == ["hs-fault-1 birth-b-1"]


def test_what_is_there_twice_or_was_never_made_is_found() -> None:
    found = judged(device(1, confirmed=1), {"n-0": 2, "n-7": 1})
    assert (found.doubled, found.unmade, found.clean) == (["hs-fault-1 n-0"], ["hs-fault-1 n-7"], False)


def test_what_was_refused_is_not_expected_unless_it_was_confirmed() -> None:
    one = device(2, confirmed=1)
    one.refuse({"n-1": "invalid_data"})
    assert judged(one, {"n-0": 1}).clean
    assert one.left == 0


def test_an_account_that_does_not_add_up_says_by_how_much() -> None:
    whole = Account(
        received=14, stored=6, duplicate=2, dead_lettered=1, refused=1, returned=3, in_hand=1, in_flight=0,
        stored_in_sql=6, dead_lettered_in_sql=1,
    )  # fmt: skip
    assert (whole.difference, whole.difference_in_sql) == (0, 0)
    assert replace(whole, received=15, stored_in_sql=8).difference == 1
    assert replace(whole, stored_in_sql=8, dead_lettered_in_sql=0).difference_in_sql == 3


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384])
def test_packets_come_whole_wherever_they_are_cut(size: int) -> None:
    payload = b"x" * size
    sent = (
        wire.publish("a/b", payload, number=7) + wire.PINGREQ + wire.publish("c", b"", number=65_535, qos=2)
    )
    step = max(1, len(sent) // 40)
    for cut in range(0, len(sent), step):
        waiting, found = bytearray(), []
        for part in (sent[:cut], sent[cut:]):
            waiting += part
            found += list(wire.frames(waiting))
        assert [wire.published(*found[place]) for place in (0, 2)] == [
            ("a/b", payload, 7),
            ("c", b"", 65_535),
        ]
        assert (found[1], bytes(waiting)) == ((0xC0, b""), b"")


def test_a_line_through_what_goes_up_and_down_is_flat_and_through_growth_is_not() -> None:
    assert abs(slope(HOUR)) < 0.1
    assert slope([(x, y + 30 * x) for x, y in HOUR]) == pytest.approx(30, abs=0.1)
    assert slope(HOUR[:3]) == 0


def test_a_seed_gives_the_same_hostile_payloads_again() -> None:
    def without_times(seed: int) -> list[int]:
        return [len(payload) for payload in generated(random.Random(seed), 300)]

    assert without_times(5) == without_times(5)
    assert without_times(5) != without_times(6)
