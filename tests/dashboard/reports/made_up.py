"""Reports with made-up figures, for tests of what is made of them."""

from datetime import UTC, datetime

from services.reports.models import (
    Availability,
    Clock,
    Content,
    GoalPart,
    Outage,
    PointPart,
    Range,
    Step,
    Usage,
    fingerprint,
)
from services.reports.naming import ReportPeriod
from services.reports.store import Report, ReportName

OCTOBER = ReportPeriod("2026-10")
HOUR = 3_600_000
MADE_AT = datetime(2026, 11, 4, 3, 12, tzinfo=UTC)
NOTHING = Range(low=0, high=0)


def day(
    *, down: int = 0, blind: int = 0, lost: int = 0, maintenance: int = 0, open_down: int = 0
) -> Availability:
    """A day of 24 h, 9 of them open, with so many milliseconds of each."""
    return Availability(
        days=1,
        clock=Clock(
            up=24 * HOUR - down - blind - lost - maintenance,
            down=down,
            blind=blind,
            lost=lost,
            maintenance=maintenance,
        ),
        service=Clock(up=9 * HOUR - open_down, down=open_down),
        outages=int(down > 0),
    )


def usage(**changed: object) -> Usage:
    return Usage(
        down_bytes=12_345_678_901,
        up_bytes=987_654_321,
        sessions=Range(low=1, high=4),
        visitor_days=Range(low=31, high=40),
        reported_days=30,
        expected_days=31,
        covered=300_000,
        kiosk_sessions=NOTHING,
        kiosk_views=NOTHING,
    ).model_copy(update=changed)


def point(
    name: str,
    days: list[Availability | None],
    *,
    used: Usage | None = None,
    longest: Outage | None = None,
    id: str = "dp-lidhult",  # noqa: A002 - as the registry calls it
) -> PointPart:
    return PointPart(
        id=id,
        names={"sv": name},
        synthetic=True,
        availability=Availability.total(days),
        longest=longest,
        usage=used,
        steps=tuple(
            Step(first=step.first, availability=days[number] if number < len(days) else None)
            for number, step in enumerate(OCTOBER.steps)
        ),
    )


def report(
    *points: PointPart,
    of: int | None = None,
    goals: tuple[GoalPart, ...] = (),
    used: Usage | None = None,
    version: int = 1,
    revised_by: int | None = None,
) -> Report:
    """A report of a municipality with these points, or `of` one of them."""
    chosen = points if of is None else (points[of],)
    content = Content(
        kind=OCTOBER.kind(of_point=of is not None),
        municipality="0781",
        name="Ljungby",
        point=None if of is None else points[of].id,
        period=OCTOBER.written,
        first=OCTOBER.first,
        last=OCTOBER.last,
        rules={"availability": 1, "small_numbers": 1},
        availability=Availability.total(one.availability for one in chosen),
        usage=used,
        steps=tuple(
            Step(
                first=step.first,
                availability=Availability.total(one.steps[number].availability for one in chosen),
            )
            for number, step in enumerate(OCTOBER.steps)
        ),
        points=tuple(one.model_copy(update={"steps": ()}) for one in chosen),
        goals=goals,
    )
    canonical = content.canonical
    name = ReportName("0781", content.kind, content.point or "", OCTOBER)
    return Report(name, version, fingerprint(canonical), canonical, MADE_AT, revised_by)


def ordinary(**changed: object) -> Report:
    """A month of one point: 31 days, 90 minutes down on the 3rd, an hour blind on the 4th."""
    days: list[Availability | None] = [day() for _ in OCTOBER.steps]
    days[2] = day(down=90 * 60_000, open_down=30 * 60_000)
    days[3] = day(blind=HOUR)
    start = int(datetime(2026, 10, 3, 12, 5, tzinfo=UTC).timestamp() * 1000)
    outage = Outage(start=start, end=start + 90 * 60_000)
    lidhult = point("Lidhult (demo)", days, used=usage(), longest=outage)
    return report(lidhult, used=usage(), **changed)  # type: ignore[arg-type]
