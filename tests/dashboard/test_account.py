"""Accounts: pieces cut at the hours add up to both figures, and nothing is in them that is not in the figure."""

from datetime import UTC, date, datetime

from dashboard.account import Piece, account_of_days, account_of_now, pieces
from dashboard.point_past import Live, subject_of
from services.availability.conditions import RULE, Condition, Stretch
from services.availability.explain import ExplainedDay, Explanation
from services.availability.figures import Figures, Times
from services.availability.store import StoredDay
from services.runtime.spans import Span
from services.tenants.wallclock import whole_days

HOUR = 3_600_000
DAY = date(2026, 9, 7)
SPAN = whole_days(DAY, DAY)
LINE = (
    Stretch(SPAN.start, SPAN.start + 10 * HOUR, Condition.UP),
    Stretch(SPAN.start + 10 * HOUR, SPAN.end, Condition.DOWN),
)
OPENED = (Span(SPAN.start + 9 * HOUR, SPAN.start + 11 * HOUR),)
FIGURES = Figures(1, Times(up=10 * HOUR, down=14 * HOUR), Times(up=HOUR, down=HOUR), outages=1)


def test_pieces_are_cut_where_the_hours_begin_and_end() -> None:
    assert [
        ((p.start - SPAN.start) / HOUR, (p.end - SPAN.start) / HOUR, p.open)
        for p in pieces(LINE, OPENED, SPAN)
    ] == [
        (0, 9, False),
        (9, 10, True),
        (10, 11, True),
        (11, 24, False),
    ]
    assert list(pieces(LINE, None, SPAN)) == [Piece(*stretch, open=None) for stretch in LINE]
    assert [piece.open for piece in pieces(LINE, (), SPAN)] == [False, False]


def explained(stored: Figures | None, from_log: Figures | None = FIGURES) -> Explanation:
    kept = None if stored is None else StoredDay(DAY, stored, RULE, 3, datetime(2026, 9, 8, tzinfo=UTC))
    day = ExplainedDay(DAY, ("hs-a",), LINE, LINE, OPENED, kept, FIGURES, from_log)
    return Explanation(subject_of("0781", "p"), DAY, DAY, RULE, (day,), {}, (), ())


def test_day_says_whether_its_pieces_and_the_log_give_it() -> None:
    (part,) = account_of_days(explained(FIGURES), with_log=True).parts
    assert (part.version, part.same_now, part.same_in_log) == (3, True, True)
    other = Figures(1, Times(up=24 * HOUR))
    (part,) = account_of_days(explained(other), with_log=True).parts
    assert (part.figures, part.same_now, part.same_in_log) == (other, False, False)
    account = account_of_days(explained(FIGURES), with_log=False)
    assert (account.from_log, account.parts[0].same_in_log) == (None, None)


def test_day_that_is_not_counted_is_not_in_the_figure_either() -> None:
    account = account_of_days(explained(None), with_log=False)
    assert (account.parts, account.figures) == ((), Figures())


def test_account_of_now_is_one_part_with_its_closed_time_cut_out() -> None:
    closed = (Span(SPAN.start, SPAN.start + 9 * HOUR), Span(SPAN.start + 11 * HOUR, SPAN.end))
    (part,) = account_of_now(Live(SPAN, LINE, closed, FIGURES), {"hs-a": []}, ()).parts
    assert part.day is None
    assert Times.of(Stretch(p.start, p.end, p.condition) for p in part.pieces) == FIGURES.clock
    assert Times.of(Stretch(p.start, p.end, p.condition) for p in part.pieces if p.open) == FIGURES.service
    unknown = Figures(1, FIGURES.clock, Times(), hours_known=False)
    (part,) = account_of_now(Live(SPAN, LINE, (), unknown), {}, ()).parts
    assert {piece.open for piece in part.pieces} == {None}
