"""Which devices need no judgement, which wills count, and how intervals are joined to what is stored."""

from dataclasses import replace

import pytest

from services.status.cases import Case, Key, Status, kind_of, still_up
from services.status.judging import joined
from services.status.models import Carry, Expectation, Interval, Reason, Seen, Sign, SignKind
from services.status.watch import watch_at
from services.status.wills import counted_wills

EXPECTATION = Expectation.of_seconds(10)
UP = Status(Reason.HEARD, 0, 100_000, 100_000, 115_000, EXPECTATION, Carry("b", "c", uplink_ok=True))
CASE = Case(Key("0781", "hs-lidhult-1"), EXPECTATION, judged=True, status=UP)


def beat(at: int, *, received_at: int | None = None, uplink_ok: bool | None = True) -> Sign:
    return Sign(at, at if received_at is None else received_at, SignKind.HEARTBEAT, uplink_ok=uplink_ok)


def test_a_device_that_is_up_and_heard_in_time_only_moves_on() -> None:
    assert still_up(CASE, [beat(121_000), beat(110_000)], seen_until=109_000) == 136_000


@pytest.mark.parametrize(
    "signs",
    [
        [beat(115_001)],
        [beat(99_999)],
        [beat(110_000, uplink_ok=False)],
        [beat(110_000, uplink_ok=None)],
        [beat(10_000, received_at=110_000)],
        [beat(110_000), Sign(111_000, 111_000, SignKind.BIRTH)],
        [Sign(110_000, 110_000, SignKind.OFFLINE)],
        [Sign(110_000, 110_000, SignKind.RESTARTING)],
    ],
)
def test_anything_else_is_judged(signs: list[Sign]) -> None:
    assert still_up(CASE, signs, seen_until=109_000) is None


@pytest.mark.parametrize(
    "status",
    [
        None,
        replace(UP, reason=Reason.LATE),
        replace(UP, next_change_at=105_000),
        replace(UP, last_event_at=101_000),
        replace(UP, expectation=Expectation.of_seconds(20)),
    ],
)
def test_a_device_with_something_waiting_is_judged(status: Status | None) -> None:
    assert still_up(replace(CASE, status=status), [beat(110_000)], seen_until=109_000) is None


def test_a_limit_as_short_as_a_wills_wait_is_always_judged() -> None:
    quick = Expectation.of_seconds(2)
    status = replace(UP, expectation=quick, next_change_at=103_000)
    assert still_up(Case(CASE.key, quick, judged=True, status=status), [beat(102_000)], seen_until=0) is None


def test_a_sign_that_is_already_late_by_what_we_saw_is_judged() -> None:
    assert still_up(CASE, [beat(110_000)], seen_until=125_000) is None


def test_a_heartbeat_from_before_the_birth_is_judged() -> None:
    born = replace(UP, carry=replace(UP.carry, born_at=105_000))
    kept = beat(104_000, received_at=110_000)
    assert still_up(replace(CASE, status=born), [kept], seen_until=109_000) is None
    assert still_up(CASE, [kept], seen_until=109_000) == 125_000


def test_an_anchor_lies_five_seconds_before_what_is_settled() -> None:
    assert CASE.judged_from(90_000) == 85_000
    assert CASE.judged_from(None) is None
    assert replace(CASE, status=None).judged_from(90_000) is None
    assert replace(CASE, expectation=Expectation.of_seconds(20)).judged_from(90_000) is None
    waiting = replace(CASE, status=replace(UP, next_change_at=0))
    assert waiting.waits
    assert waiting.judged_from(90_000) is None


def test_events_are_signs_of_their_kind() -> None:
    assert [kind_of("device.status", said) for said in ("online", "offline", "restarting", "new")] == [
        SignKind.BIRTH, SignKind.OFFLINE, SignKind.RESTARTING, SignKind.OTHER,
    ]  # fmt: skip
    assert kind_of("device.heartbeat", None) is SignKind.HEARTBEAT
    assert kind_of("kiosk.view", None) is SignKind.OTHER


def test_a_will_waits_for_five_proven_seconds() -> None:
    will = Sign(10_000, 10_000, SignKind.OFFLINE)
    watch = watch_at([Seen(0, 14_999)], 20_000)
    assert counted_wills([will], watch, proven=14_999, carry=Carry()) == ([], 15_000)
    assert counted_wills([will], watch, proven=15_000, carry=Carry()) == ([will], None)
    carried = Carry(boot="other")
    named = replace(will, boot="b")
    assert counted_wills([named], watch, proven=15_000, carry=carried) == ([], None)


def test_new_intervals_take_the_place_of_stored_ones() -> None:
    old = [Interval(0, 50, Reason.HEARD), Interval(50, None, Reason.SILENT)]
    again = [Interval(20, 70, Reason.HEARD), Interval(70, None, Reason.LATE)]
    assert joined(old, again) == [Interval(0, 70, Reason.HEARD), Interval(70, None, Reason.LATE)]
    other = [Interval(20, None, Reason.SILENT)]
    assert joined(old, other) == [Interval(0, 20, Reason.HEARD), Interval(20, None, Reason.SILENT)]
    assert joined([], again) == again
