"""What is said of an instant, and what covers what."""

import pytest

from services.availability.conditions import Condition, Stretch, best, clipped, condition_of, said
from services.runtime.spans import Span
from services.status.models import Reason


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_its_condition(reason: Reason) -> None:
    expected = {
        Reason.HEARD: Condition.UP,
        Reason.LATE: Condition.DEGRADED,
        Reason.RESTARTING: Condition.DEGRADED,
        Reason.UPLINK_LOST: Condition.LOST,
        Reason.UPLINK_REPORTED: Condition.LOST,
        Reason.OFFLINE: Condition.DOWN,
        Reason.SILENT: Condition.DOWN,
        Reason.NOT_WATCHED: Condition.BLIND,
        Reason.UNPROVEN: Condition.BLIND,
        Reason.NEVER_SEEN: Condition.BLIND,
    }
    assert condition_of(reason.state, reason) is expected[reason]


def test_the_best_of_several_lines_has_no_gap_and_no_neighbours_alike() -> None:
    line = best(
        [
            Stretch(-10, 3, Condition.UP),
            Stretch(3, 5, Condition.UP),
            Stretch(4, 8, Condition.DOWN),
            Stretch(6, 7, Condition.LOST),
            Stretch(12, 90, Condition.DEGRADED),
        ],
        Span(0, 20),
    )
    assert line == (
        (0, 5, Condition.UP),
        (5, 6, Condition.DOWN),
        (6, 7, Condition.LOST),
        (7, 8, Condition.DOWN),
        (8, 12, Condition.BLIND),
        (12, 20, Condition.DEGRADED),
    )
    assert best([], Span(0, 2)) == ((0, 2, Condition.BLIND),)
    assert best([Stretch(0, 2, Condition.UP)], Span(2, 2)) == ()


def test_calendars_cover_what_was_measured_and_maintenance_covers_all() -> None:
    day = Span(0, 10)
    measured = [Stretch(0, 10, Condition.UP)]
    calendars = [*said((Span(0, 4),), Condition.CLOSED), *said((Span(3, 6),), Condition.MAINTENANCE)]
    assert [stretch.condition for stretch in best([*measured, *calendars], day)] == [
        Condition.CLOSED, Condition.MAINTENANCE, Condition.UP,
    ]  # fmt: skip


def test_stretches_are_cut_to_a_set_of_time() -> None:
    stretches = [Stretch(0, 5, Condition.UP), Stretch(5, 9, Condition.DOWN)]
    assert clipped(stretches, (Span(1, 2), Span(4, 6))) == [
        (1, 2, Condition.UP), (4, 5, Condition.UP), (5, 6, Condition.DOWN),
    ]  # fmt: skip
    assert clipped(stretches, (Span(4, 6),)) == [(4, 5, Condition.UP), (5, 6, Condition.DOWN)]
    assert clipped(stretches, ()) == []
