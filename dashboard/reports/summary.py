"""What a report says, in plain sentences that are made from its figures by rules."""

from collections.abc import Iterator, Sequence

from dashboard.figure_words import percent_words, time_words
from dashboard.reports.words import (
    bytes_words,
    figures_of,
    outage_words,
    period_words,
    point_name,
    range_words,
    subject_name,
)
from dashboard.web.language import language
from services.availability.figures import ENOUGH_PERCENT, Times
from services.reports.models import Content, Outage
from services.reports.naming import ReportPeriod

_MOST_NAMES = 5


def summary(content: Content, lang: str) -> list[str]:
    """The sentences, the most important one first."""
    return [
        *_availability(content, lang),
        *_while_open(content, lang),
        *_longest(content, lang),
        *_without_data(content, lang),
        *_maintenance(content, lang),
        *_usage(content, lang),
        *_goals(content, lang),
    ]


def _availability(content: Content, lang: str) -> Iterator[str]:
    _ = language(lang).gettext
    times = figures_of(content.availability).clock
    words = _words(content, times, lang)
    if content.availability is None:
        yield _("Inget dygn under %(period)s är räknat.") % words
    elif not times.counted:
        yield _("Under %(period)s pågick planerat underhåll hela tiden.") % words
    elif not times.enough:
        yield (
            _(
                "Underlag saknas för %(name)s under %(period)s: vi vet något om %(coverage)s av tiden, och minst "
                "%(least)s procent behövs för en siffra."
            )
            % words
        )
    elif content.point is None:
        yield (
            _(
                "Under %(period)s var kommunens servicepunkter tillsammans tillgängliga %(share)s av den tid vi vet "
                "något om (täckning %(coverage)s)."
            )
            % words
        )
    else:
        yield (
            _(
                "Under %(period)s var %(name)s tillgänglig %(share)s av den tid vi vet något om (täckning "
                "%(coverage)s)."
            )
            % words
        )


def _while_open(content: Content, lang: str) -> Iterator[str]:
    _ = language(lang).gettext
    figures = figures_of(content.availability)
    if not figures.days:
        return
    if not figures.hours_known:
        yield _("Öppettiderna är inte kända för hela tiden, så en siffra för när det är öppet finns inte.")
    elif not figures.service.window:
        yield _("Enligt öppettiderna var det stängt hela tiden.")
    elif figures.service.availability is None:
        yield _("Underlag saknas för en siffra för när det var öppet.")
    else:
        yield _("När det var öppet: %(share)s (täckning %(coverage)s).") % _words(
            content, figures.service, lang
        )


def _longest(content: Content, lang: str) -> Iterator[str]:
    _ = language(lang).gettext
    found = longest_of(content)
    if found is not None:
        outage, name = found[0], point_name(content.points[found[1]], lang)
        said = {"name": name, "outage": outage_words(outage, lang)}
        if content.point is None:
            yield _("Det längsta avbrottet var i %(name)s: %(outage)s.") % said
        else:
            yield _("Det längsta avbrottet: %(outage)s.") % said
        return
    times = figures_of(content.availability).clock
    if times.enough and not times.unavailable:
        yield _("Inget avbrott är känt.")


def longest_of(content: Content) -> tuple[Outage, int] | None:
    """The longest outage of any point, and whose it is; of equally long ones the first."""
    outages = [
        (point.longest, number) for number, point in enumerate(content.points) if point.longest is not None
    ]
    return min(outages, key=lambda one: (one[0].start - one[0].end, one[0].start, one[1]), default=None)


def _without_data(content: Content, lang: str) -> Iterator[str]:
    _ = language(lang).gettext
    if content.point is not None:
        return
    clocks = [(point_name(point, lang), figures_of(point.availability).clock) for point in content.points]
    names = [name for name, times in clocks if not times.enough and (times.counted or not times.maintenance)]
    if names:
        yield (
            _("Underlag saknas för %(number)s av %(all)s servicepunkter: %(names)s.")
            % {"number": len(names), "all": len(clocks), "names": _some(names, lang)}
        )


def _maintenance(content: Content, lang: str) -> Iterator[str]:
    _ = language(lang).gettext
    times = figures_of(content.availability).clock
    if times.maintenance and times.counted:
        yield (
            _("Planerat underhåll pågick sammanlagt %(time)s och räknas inte med.")
            % {"time": time_words(times.maintenance)}
        )


def _usage(content: Content, lang: str) -> Iterator[str]:
    _ = language(lang).gettext
    usage = content.usage
    if usage is None:
        yield _("Ingen användning är känd.")
        return
    if usage.reported_days:
        yield (
            _(
                "Besöksdagar: %(number)s, ungefärligt. Det är summan av hur många olika enheter som räknades varje "
                "dygn, inte antalet personer."
            )
            % {"number": range_words(usage.visitor_days, lang)}
        )
    elif usage.expected_days:
        yield _("Besöksdagar har ingen enhet räknat.")
    if usage.down_bytes or usage.up_bytes:
        words = {"down": bytes_words(usage.down_bytes, lang), "up": bytes_words(usage.up_bytes, lang)}
        yield _("Besökarna hämtade %(down)s och skickade %(up)s.") % words


def _goals(content: Content, lang: str) -> Iterator[str]:
    _ = language(lang).gettext
    if content.goals:
        statuses = [goal.status for goal in content.goals]
        yield (
            _("Mål som nåddes: %(met)s. Mål som inte nåddes: %(missed)s. Mål utan underlag: %(unknown)s.")
            % {
                "met": statuses.count("met"),
                "missed": statuses.count("not_met"),
                "unknown": statuses.count("insufficient_data"),
            }
        )


def _words(content: Content, times: Times, lang: str) -> dict[str, str]:
    return {
        "period": period_words(ReportPeriod(content.period), lang),
        "name": subject_name(content, lang),
        "share": "" if times.availability is None else percent_words(times.availability, lang),
        "coverage": percent_words(times.coverage, lang),
        "least": str(ENOUGH_PERCENT),
    }


def _some(names: Sequence[str], lang: str) -> str:
    said = ", ".join(names[:_MOST_NAMES])
    more = len(names) - _MOST_NAMES
    if more > 0:
        return language(lang).gettext("%(names)s och %(more)s till") % {"names": said, "more": more}
    return said
