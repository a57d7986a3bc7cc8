"""The named cases of docs/status.md, one by one. A device is expected every 10 s, late at 15, down beyond 30."""

import pytest

from services.status.models import Expectation, Interval, Reason, Seen, Sign, SignKind, State, Timeline
from services.status.spans import Hearing, Point, Span
from services.status.timeline import timeline
from services.status.watch import FOREVER, watch_at

EXPECTATION = Expectation.of_seconds(10)
ALWAYS = (Seen(-3_600_000, 36_000_000),)
HEARTBEAT, BIRTH, OFFLINE = SignKind.HEARTBEAT, SignKind.BIRTH, SignKind.OFFLINE


def beat(at_s: float, *, received_s: float | None = None, uplink_ok: bool | None = None) -> Sign:
    received = at_s if received_s is None else received_s
    return Sign(int(at_s * 1000), int(received * 1000), HEARTBEAT, uplink_ok=uplink_ok)


def beats(start_s: int, end_s: int, *, received_s: float | None = None) -> list[Sign]:
    return [beat(at, received_s=received_s) for at in range(start_s, end_s + 1, 10)]


def says(kind: SignKind, at_s: float, *, boot: str | None = None, conn: str | None = None) -> Sign:
    return Sign(int(at_s * 1000), int(at_s * 1000), kind, boot, conn)


def seen(*pieces_s: tuple[float, float]) -> tuple[Seen, ...]:
    return tuple(Seen(int(start * 1000), int(end * 1000), closed=True) for start, end in pieces_s)


def line_of(*signs: Sign, until_s: float, sight: tuple[Seen, ...] = ALWAYS) -> Timeline:
    return timeline(signs, sight, EXPECTATION, until=int(until_s * 1000))


def told(*signs: Sign, until_s: float, sight: tuple[Seen, ...] = ALWAYS) -> list[tuple[float, str]]:
    """The intervals as (starts at, reason), in seconds."""
    return [
        (i.starts_at / 1000, i.reason.value) for i in line_of(*signs, until_s=until_s, sight=sight).intervals
    ]


def test_a_device_never_heard_has_no_line() -> None:
    assert line_of(until_s=1000) == Timeline((), None, None, line_of(until_s=0).carry)


def test_on_time_is_up_then_late_then_down_from_the_last_sign() -> None:
    assert told(beat(0), beat(15), until_s=29.999) == [(0, "heard")]
    assert told(beat(0), beat(15), until_s=30) == [(0, "heard"), (30, "late")]
    assert told(beat(0), beat(15), until_s=45) == [(0, "heard"), (30, "late")]
    assert told(beat(0), beat(15), until_s=45.001) == [(0, "heard"), (15, "silent")]


def test_a_gap_within_the_limit_was_late_and_a_longer_one_an_outage() -> None:
    assert told(beat(0), beat(30), until_s=31) == [(0, "heard"), (15, "late"), (30, "heard")]
    assert told(beat(0), beat(30.001), until_s=31) == [(0, "silent"), (30.001, "heard")]


@pytest.mark.parametrize(
    ("until_s", "next_s"), [(0, 15), (14.999, 15), (15, 30.001), (30, 30.001), (30.001, None)]
)
def test_the_next_change_is_known(until_s: float, next_s: float | None) -> None:
    next_change_at = line_of(beat(0), until_s=until_s).next_change_at
    assert next_change_at == (None if next_s is None else int(next_s * 1000))


def test_silence_needs_proof_by_a_canary() -> None:
    canary_at_29 = (Seen(-600_000, 29_000),)
    assert told(beat(0), until_s=40, sight=canary_at_29) == [(0, "heard"), (15, "late")]
    assert line_of(beat(0), until_s=40, sight=canary_at_29).next_change_at == 30_001
    assert told(beat(0), until_s=44.001, sight=canary_at_29) == [
        (0, "heard"),
        (15, "late"),
        (29, "not_watched"),
    ]


@pytest.mark.parametrize("interval_s", [1, 5, 10])
def test_a_stall_of_our_own_that_leaves_no_mark_in_our_sight_is_no_outage(interval_s: int) -> None:
    """A canary held back for less than 15 s closes nothing, and what devices sent meanwhile was held back as long."""
    heard = [beat(0), beat(interval_s, received_s=interval_s + 15)]
    line = timeline(heard, ALWAYS, Expectation.of_seconds(interval_s), until=60_000)
    assert line.intervals[0].reason.state is not State.DOWN
    assert line.intervals[-1].reason is Reason.SILENT


def test_a_will_counts_after_five_seconds_and_is_backdated() -> None:
    signs = [says(BIRTH, 0, boot="b", conn="c"), beat(10), says(OFFLINE, 12, boot="b", conn="c")]
    assert told(*signs, until_s=16.999) == [(0, "heard")]
    assert line_of(*signs, until_s=16).next_change_at == 17_000
    assert told(*signs, until_s=17) == [(0, "heard"), (12, "offline")]
    assert told(*signs, beat(100), until_s=100) == [(0, "heard"), (12, "offline"), (100, "heard")]


@pytest.mark.parametrize("birth_s", [11, 12, 17])
def test_a_will_of_an_older_connection_than_the_newest_birth_is_ignored(birth_s: float) -> None:
    signs = [says(BIRTH, 0, boot="b", conn="c1"), beat(10), says(OFFLINE, 12, boot="b", conn="c1")]
    assert told(*signs, says(BIRTH, birth_s, boot="b", conn="c2"), until_s=20) == [(0, "heard")]


def test_a_birth_that_comes_too_late_ends_an_outage() -> None:
    signs = [says(BIRTH, 0, boot="b", conn="c1"), beat(10), says(OFFLINE, 12, boot="b", conn="c1")]
    born = says(BIRTH, 17.001, boot="b", conn="c2")
    assert told(*signs, born, until_s=20) == [(0, "heard"), (12, "offline"), (17.001, "heard")]


@pytest.mark.parametrize(
    ("boot", "conn", "counts"),
    [(None, None, True), ("b", None, True), ("a", None, False), (None, "c", True), (None, "x", False)],
)
def test_a_will_is_compared_by_what_it_names(boot: str | None, conn: str | None, *, counts: bool) -> None:
    told_so = told(says(BIRTH, 0, boot="b", conn="c"), says(OFFLINE, 5, boot=boot, conn=conn), until_s=12)
    assert (told_so[-1] == (5, "offline")) is counts


def test_wills_at_a_clean_stop_of_the_broker_say_nothing() -> None:
    """Our own connection goes with the broker: the last canary came before the will."""
    signs = [says(BIRTH, 0, conn="c"), *beats(10, 100), says(OFFLINE, 101, conn="c")]
    assert told(*signs, until_s=500, sight=seen((-10, 100.5))) == [(0, "heard"), (100.5, "not_watched")]


def test_wills_from_the_queue_after_a_restart_say_nothing() -> None:
    """They come before the first canary of the new connection."""
    signs = [*beats(0, 100), says(OFFLINE, 300), beat(305), beat(315)]
    assert told(*signs, until_s=316, sight=(*seen((-10, 101)), Seen(302_000, 999_000))) == [
        (0, "heard"),
        (101, "not_watched"),
        (302, "unproven"),
        (305, "heard"),
    ]


def test_a_will_during_a_restart_is_part_of_it() -> None:
    signs = [says(BIRTH, 0, conn="c"), says(SignKind.RESTARTING, 10), says(OFFLINE, 11, conn="c")]
    assert told(*signs, until_s=30) == [(0, "heard"), (10, "restarting")]
    assert told(*signs, says(BIRTH, 35, conn="d"), until_s=35) == [
        (0, "heard"),
        (10, "restarting"),
        (35, "heard"),
    ]
    assert told(*signs, until_s=41) == [(0, "heard"), (10, "silent")]


def test_blind_in_the_middle_is_repaired_by_a_sign_on_the_other_side() -> None:
    sight = (*seen((-10, 12)), Seen(22_000, 999_000))
    assert told(beat(0), beat(10), until_s=21, sight=sight) == [(0, "heard"), (12, "not_watched")]
    assert told(beat(0), beat(10), until_s=25, sight=sight)[2:] == [(22, "unproven")]
    assert told(beat(0), beat(10), beat(24), until_s=25, sight=sight) == [(0, "heard")]


def test_silence_counts_only_where_we_could_hear() -> None:
    sight = (*seen((-10, 25)), Seen(100_000, 999_000))
    silent = told(beat(0), until_s=131, sight=sight)
    assert silent == [(0, "heard"), (15, "late"), (25, "not_watched"), (100, "silent")]
    assert told(beat(0), until_s=130, sight=sight)[3:] == [(100, "unproven")]
    assert line_of(beat(0), until_s=130, sight=sight).next_change_at == 130_001


def test_a_sign_shortly_before_the_first_canary_is_joined_to_it() -> None:
    assert told(beat(0), until_s=20, sight=(Seen(12_000, 999_000),)) == [(0, "heard"), (15, "late")]
    assert told(beat(0), until_s=20, sight=(Seen(15_001, 999_000),)) == [
        (0, "not_watched"),
        (15.001, "unproven"),
    ]


def test_a_late_batch_explains_silence_and_repairs_blind_time() -> None:
    signs = [beat(0), *beats(10, 200, received_s=400), beat(400)]
    assert told(*signs, until_s=400) == [(0, "uplink_lost"), (200, "silent"), (400, "heard")]
    blind = (*seen((-10, 12)), Seen(150_000, 999_000))
    assert told(*signs, until_s=400, sight=blind) == [
        (0, "heard"), (150, "uplink_lost"), (200, "silent"), (400, "heard"),
    ]  # fmt: skip


def test_a_late_sign_never_proves_that_a_device_is_alive_now() -> None:
    assert told(beat(0), beat(95, received_s=160), until_s=160) == [(0, "silent")]


def test_our_clock_decides_what_is_timely() -> None:
    """A clock that is a minute behind or ten ahead moves nothing; history keeps the device's own time."""
    behind, ahead = beat(0, received_s=60), beat(660, received_s=60)
    assert told(behind, until_s=60) == told(ahead, until_s=60) == [(60, "heard")]
    assert told(beat(0, received_s=60.001), until_s=61) == [(0, "silent")]
    assert line_of(beat(0, received_s=60.001), until_s=61).last_sign_at == 0


def test_a_clock_of_1970_counts_by_receipt() -> None:
    """The log gives such an event the time of receipt, so it is as timely as any."""
    assert told(beat(1_000), until_s=1_000) == [(1_000, "heard")]


def test_the_uplinks_word_holds_until_the_next_heartbeat() -> None:
    signs = [beat(0, uplink_ok=True), beat(10, uplink_ok=False), Sign(20_000, 20_000, SignKind.OTHER)]
    assert told(*signs, until_s=49) == [(0, "heard"), (10, "uplink_reported")]
    assert told(*signs, beat(30, uplink_ok=True), until_s=30)[-1] == (30, "heard")
    assert told(*signs, beat(30), until_s=30)[-1] == (30, "heard")


def test_what_was_kept_until_a_birth_says_nothing_of_the_uplink() -> None:
    """By the device's own clock, so that one which is behind changes nothing."""
    kept = [beat(at, received_s=45.2, uplink_ok=False) for at in (20, 30, 40)]
    back = [beat(10, uplink_ok=True), says(BIRTH, 45), *kept]
    assert told(*back, until_s=46)[-1] == (45, "heard")
    assert told(*back, beat(50, uplink_ok=False), until_s=50)[-1] == (50, "uplink_reported")
    assert told(beat(0, uplink_ok=False), says(BIRTH, 10), until_s=10)[-1] == (10, "heard")


def test_a_batch_received_at_once_is_told_in_the_devices_order() -> None:
    gone = Sign(5_000, 20_000, OFFLINE)
    back = Sign(9_000, 20_000, BIRTH)
    assert told(gone, back, until_s=30) == [(20, "heard")]
    assert told(Sign(9_500, 20_000, OFFLINE), back, until_s=25) == [(20, "offline")]


def test_an_offline_sign_that_was_outlived_at_once_waits_for_nothing() -> None:
    signs = [beat(0), says(OFFLINE, 100), says(SignKind.RESTARTING, 100)]
    line = line_of(*signs, until_s=102)
    assert line.next_change_at == 130_001
    assert line.intervals == line_of(*signs, until_s=110).intervals


def test_an_offline_sign_may_be_the_first() -> None:
    assert told(says(OFFLINE, 5), until_s=9) == [(5, "never_seen")]
    assert told(says(OFFLINE, 5), until_s=10) == [(5, "offline")]


def test_every_reason_belongs_to_one_state() -> None:
    assert {reason.state for reason in Reason} == set(State)
    assert Interval(0, None, Reason.UPLINK_LOST).state is State.DEGRADED


def test_stretches_cover_the_line_from_its_start() -> None:
    hearing = Hearing(watch_at(ALWAYS, 60_000), EXPECTATION, 60_000)
    assert hearing.stretches(0, 0, [Point(0, Reason.HEARD), Point(10_000, Reason.OFFLINE)]) == [
        Span(0, 10_000, Reason.HEARD),
        Span(10_000, FOREVER, Reason.OFFLINE),
    ]
