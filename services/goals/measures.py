"""What a metric is in a window, from time or amounts that were counted: pure, and exact."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from services.goals.models import Measured, Part, Spent, Why, Window


@dataclass(frozen=True, slots=True)
class Worked:
    """Whole milliseconds: available, unavailable, and what was to be known of (a fraction where days are missing).

    `rest` is what is still to come in the period; None: not known, as where hours are not published.
    """

    available: int
    unavailable: int
    expected: Fraction
    rest: int | None = 0

    @property
    def known(self) -> int:
        """What a figure rests on."""
        return self.available + self.unavailable

    @property
    def coverage(self) -> Fraction:
        """How much of what was to be known is known."""
        return Fraction(self.known) / self.expected if self.expected else Fraction(0)

    @property
    def percent(self) -> Fraction | None:
        """The share of the known time that was available."""
        return Fraction(100 * self.available, self.known) if self.known else None

    def plus(self, other: "Worked") -> "Worked":
        """Both together."""
        rest = None if self.rest is None or other.rest is None else self.rest + other.rest
        return Worked(
            self.available + other.available,
            self.unavailable + other.unavailable,
            self.expected + other.expected,
            rest,
        )


def share(worked: Worked, parts: Iterable[tuple[str, Worked]] = (), *, coverage: Fraction) -> Measured:
    """The share of time that was available, in per cent.

    At best all that is not known, and all that is to come, turns out as available.
    """
    if not worked.known:
        return Measured(None, coverage, why=Why.NOTHING_KNOWN)
    most = Fraction(100)
    if worked.rest is not None:
        whole = max(worked.expected, Fraction(worked.known)) + worked.rest
        most = 100 * (whole - worked.unavailable) / whole
    return Measured(
        value=worked.percent,
        coverage=coverage,
        projected=worked.percent,
        most=most,
        spent=None if worked.rest is None else Spent(worked.unavailable, worked.known, worked.rest),
        parts=tuple(Part(point, part.percent, part.coverage) for point, part in parts),
    )


def amount(total: Fraction, parts: Iterable[Part] = (), *, coverage: Fraction, window: Window) -> Measured:
    """A sum over days that can only grow; it goes on at the pace of the days so far.

    Nothing at all may as well be that nobody reports: it is not known.
    """
    days = window.measured
    if days is None:
        return Measured(None, Fraction(0), why=Why.NOTHING_YET)
    if not total:
        return Measured(None, coverage, why=Why.NOTHING_KNOWN)
    return Measured(
        value=total,
        coverage=coverage,
        projected=total * window.period.days / days.days,
        least=total,
        parts=tuple(parts),
    )
