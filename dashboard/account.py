"""How a point's figures were made, in one shape for whole days that are stored and for the 24 hours until now."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from dashboard.point_past import Live
from services.availability.conditions import RULE, Condition, Stretch
from services.availability.explain import Explanation, Work
from services.availability.figures import Figures
from services.availability.past import Measured
from services.availability.store import EarlierVersion
from services.runtime.spans import Span, Spans, common, without
from services.tenants.wallclock import whole_days


@dataclass(frozen=True, slots=True)
class Piece:
    """Time of one condition, all of it within the hours, or all outside (None: the hours are not known)."""

    start: int
    end: int
    condition: Condition
    open: bool | None


@dataclass(frozen=True, slots=True)
class Part:
    """A day, or (without one) the 24 hours until now: its figures, and the pieces that they are the sums of.

    `same_now`: whether the pieces give the figures; not for a while after something came late. `same_in_log`: whether
    the log does, None where that was not asked.
    """

    day: date | None
    window: Span
    figures: Figures
    pieces: tuple[Piece, ...]
    devices: tuple[str, ...]
    rule: int
    version: int | None
    computed_at: datetime | None
    same_now: bool
    same_in_log: bool | None


@dataclass(frozen=True, slots=True)
class Account:
    """All that figures were made of; `from_log` are the same made again from the log, None where that was not asked."""

    window: Span
    figures: Figures
    from_log: Figures | None
    parts: tuple[Part, ...]
    intervals: Mapping[str, Sequence[Measured]]
    works: tuple[Work, ...]
    earlier: tuple[EarlierVersion, ...]


def account_of_days(explained: Explanation, *, with_log: bool) -> Account:
    """The account of days that are stored; what is not counted yet is not in the figures and not in here."""
    parts = []
    for day in explained.days:
        if day.stored is None:
            continue
        window = whole_days(day.day, day.day)
        parts.append(
            Part(
                day=day.day,
                window=window,
                figures=day.stored.figures,
                pieces=tuple(pieces(day.measured, day.opened, window)),
                devices=day.devices,
                rule=day.stored.rule,
                version=day.stored.version,
                computed_at=day.stored.computed_at,
                same_now=day.stored.figures == day.counted,
                same_in_log=day.stored.figures == day.from_log if with_log else None,
            )
        )
    return Account(
        window=whole_days(explained.first, explained.last),
        figures=explained.figures,
        from_log=explained.from_log if with_log else None,
        parts=tuple(parts),
        intervals=explained.intervals,
        works=explained.works,
        earlier=explained.earlier,
    )


def account_of_now(live: Live, intervals: Mapping[str, Sequence[Measured]], works: Sequence[Work]) -> Account:
    """The account of the 24 hours until now, which are counted when somebody looks and stored nowhere."""
    opened = without((live.window,), live.closed) if live.figures.hours_known else None
    part = Part(
        day=None,
        window=live.window,
        figures=live.figures,
        pieces=tuple(pieces(live.line, opened, live.window)),
        devices=tuple(sorted(intervals)),
        rule=RULE,
        version=None,
        computed_at=None,
        same_now=True,
        same_in_log=None,
    )
    return Account(live.window, live.figures, None, (part,), intervals, tuple(works), ())


def pieces(line: Sequence[Stretch], opened: Spans | None, window: Span) -> Iterator[Piece]:
    """A line cut where the hours begin and end."""
    if opened is None:
        yield from (Piece(*stretch, open=None) for stretch in line)
        return
    hours = common(opened, (window,))
    for start, end, condition in line:
        whole = (Span(start, end),)
        cut = [(span, True) for span in common(hours, whole)]
        cut += [(span, False) for span in without(whole, hours)]
        yield from (Piece(*span, condition, open=is_open) for span, is_open in sorted(cut))
