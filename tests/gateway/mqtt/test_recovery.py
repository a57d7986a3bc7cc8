"""How long to wait before the next connection."""

from gateway.mqtt.errors import Ended, Trouble
from gateway.mqtt.recovery import Recovery

CLOSED = Ended(Trouble.CLOSED)
UNREACHABLE = Ended(Trouble.UNREACHABLE)


def pauses(recovery: Recovery, end: Ended, times: int, *, up_s: float | None = None) -> list[float]:
    found = []
    for _ in range(times):
        recovery.judge(end, up_s=up_s)
        found.append(recovery.pause_s)
    return found


def test_pauses_double_from_a_fifth_of_a_second_to_ten_seconds() -> None:
    for number, pause in enumerate(pauses(Recovery(), UNREACHABLE, 12)):
        longest = min(10.0, 0.2 * 2**number)
        assert longest / 2 <= pause <= longest


def test_steady_connection_starts_from_the_beginning() -> None:
    recovery = Recovery()
    pauses(recovery, UNREACHABLE, 10)
    assert pauses(recovery, CLOSED, 1, up_s=11.0)[0] <= 0.2


def test_short_connection_does_not() -> None:
    recovery = Recovery()
    pauses(recovery, UNREACHABLE, 10)
    assert pauses(recovery, CLOSED, 1, up_s=9.0)[0] >= 5


def test_eviction_waits_longest_at_once() -> None:
    assert pauses(Recovery(), Ended(Trouble.EVICTED), 1, up_s=100.0)[0] >= 5


def test_row_of_short_connections_counts_as_eviction() -> None:
    recovery = Recovery()
    found = [recovery.judge(CLOSED, up_s=0.5).trouble for _ in range(3)]
    assert found == [Trouble.CLOSED, Trouble.CLOSED, Trouble.EVICTED]
    assert recovery.pause_s >= 5


def test_anything_else_in_between_breaks_the_row() -> None:
    recovery = Recovery()
    for between in (UNREACHABLE, Ended(Trouble.DROPPED)):
        recovery.judge(CLOSED, up_s=0.5)
        recovery.judge(CLOSED, up_s=0.5)
        recovery.judge(between, up_s=None)
    assert recovery.judge(CLOSED, up_s=0.5).trouble is Trouble.CLOSED
