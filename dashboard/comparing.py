"""Points beside each other over the same days, the worst first; whoever is not known well enough comes last."""

from collections.abc import Iterable
from dataclasses import dataclass

from dashboard.figure_words import figure_words, mark_of, percent_words, time_words
from dashboard.usage_charts import volume_words
from dashboard.words import in_order
from services.availability.figures import Figures
from services.usage.store import Usage


@dataclass(frozen=True, slots=True)
class Compared:
    """A point with what is known of it; no figures where none of its days is counted."""

    id: str
    municipality: str
    name: str
    figures: Figures | None
    usage: Usage | None


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """A point as a row: figures in words, each beside its coverage."""

    id: str
    municipality: str
    name: str
    mark: str
    clock: str
    clock_coverage: str
    service: str
    service_coverage: str
    unavailable: str
    outages: int | None
    volume: str
    days: int


def compared_rows(points: Iterable[Compared], lang: str) -> list[ComparedRow]:
    """The rows in the order in which they are shown."""
    return [_row(point, lang) for point in sorted(points, key=_worst_first)]


def _worst_first(point: Compared) -> tuple[bool, bool, float, int, str, str]:
    """By availability around the clock, then by the time that was lost; what has no figure stands after all figures."""
    clock = point.figures.clock if point.figures else None
    share = clock.availability if clock else None
    return (
        clock is None,
        share is None,
        float(share) if share is not None else 0.0,
        -clock.unavailable if clock else 0,
        in_order(point.name),
        point.id,
    )


def _row(point: Compared, lang: str) -> ComparedRow:
    figures, usage = point.figures, point.usage
    volume = volume_words(usage.traffic.down_bytes + usage.traffic.up_bytes, lang) if usage else "–"
    if figures is None:
        return ComparedRow(
            point.id, point.municipality, point.name, "unknown", "–", "–", "–", "–", "–", None, volume, 0
        )
    clock, service = figures.clock, figures.service
    counts = figures.hours_known and bool(service.window)
    return ComparedRow(
        id=point.id,
        municipality=point.municipality,
        name=point.name,
        mark=mark_of(clock),
        clock=figure_words(clock, lang),
        clock_coverage=percent_words(clock.coverage, lang),
        service=figure_words(service, lang) if counts else "–",
        service_coverage=percent_words(service.coverage, lang) if counts else "–",
        unavailable=time_words(clock.unavailable),
        outages=figures.outages,
        volume=volume,
        days=figures.days,
    )
