"""How all service points fare, now and on the last 90 days, and how one of them has fared in a year; for everyone."""

from dataclasses import dataclass, replace
from datetime import date

from aiohttp import web

from dashboard.availability_charts import availability_chart, days_strip, mark_words
from dashboard.charts.shares import Shares
from dashboard.charts.strip import Strip
from dashboard.charts.table import Key
from dashboard.figure_words import FigureView, figure_views, time_words, total
from dashboard.periods import period_words
from dashboard.points import POINTS, count_states
from dashboard.public_history import HISTORY, LONG, SHORT, YEAR, PointYear, nothing_known
from dashboard.public_status_view import is_lately_counted, lately, status_rows
from dashboard.public_words import PublicWords
from dashboard.states import count_words
from dashboard.web.pages import language_code, render
from dashboard.web.routes import PUBLIC, Routes
from services.availability.figures import Figures

routes = Routes()

_MAX_AGE_S = 5
_MOST_DAYS = 30


@dataclass(frozen=True, slots=True)
class PeriodView:
    """A period of a point: its name, its figures with their coverage, and how many of its days are counted."""

    name: str
    days: int
    counted: int
    figures: tuple[FigureView, ...]


@dataclass(frozen=True, slots=True)
class PastView:
    """What a point's page shows of its year."""

    periods: tuple[PeriodView, ...]
    quarter: Strip
    year: Strip
    months: Shares
    days: tuple[tuple[date, Figures], ...]
    more_days: int


@routes.get("/status", access=PUBLIC)
async def status(request: web.Request) -> web.StreamResponse:
    """All points, or those of `?municipality=`: their state, their last days, what is known and what is planned."""
    snapshot = await request.config_dict[POINTS].current()
    lang = language_code(request)
    asked = request.query.get("municipality") or None
    chosen = next((each for each in snapshot.municipalities if each.code == asked), None)
    if asked and chosen is None:
        raise web.HTTPNotFound
    views = snapshot.of_municipality(asked)
    overview = await request.config_dict[HISTORY].overview()
    shown = overview or nothing_known(snapshot.taken_at)
    return render(
        request,
        "public/status.html",
        max_age=_MAX_AGE_S,
        taken_at=snapshot.taken_at,
        chosen=chosen,
        municipality_names={each.code: each.name for each in snapshot.municipalities},
        names={view.id: view.name(lang) for view in views},
        counts=[(state, count_words(state, lang), number) for state, number in count_states(views).items()],
        words=PublicWords(lang, snapshot.taken_at),
        has_history=overview is not None,
        period=shown.period,
        groups=status_rows(views, shown, lang),
        lately=lately(views, shown),
        lately_counted=is_lately_counted(views, shown),
        work=[
            each
            for each in shown.work
            if any(each.concerns(view.municipality.code, view.id) for view in views)
        ],
        keys=[Key(look, name) for look, name in mark_words(lang).items()],
        time_words=time_words,
        synthetic=any(view.point.synthetic for view in views),
    )


@routes.get("/p/{point}/status", access=PUBLIC)
async def point_status(request: web.Request) -> web.StreamResponse:
    """One point: its state, three periods that end with yesterday, its days and months, and what is planned."""
    snapshot = await request.config_dict[POINTS].current()
    view = snapshot.by_id.get(request.match_info["point"])
    if view is None:
        raise web.HTTPNotFound
    lang = language_code(request)
    year = await request.config_dict[HISTORY].year(view.municipality.code, view.id)
    return render(
        request,
        "public/point_status.html",
        max_age=_MAX_AGE_S,
        view=view,
        words=PublicWords(lang, snapshot.taken_at),
        taken_at=snapshot.taken_at,
        synthetic=view.point.synthetic,
        year=year,
        past=past_view(year, lang) if year and year.last(YEAR) else None,
        time_words=time_words,
    )


def past_view(year: PointYear, lang: str) -> PastView:
    """A year with at least one counted day, as it is shown."""
    troubled = [(day, figures) for day, figures in reversed(year.days) if figures and _is_troubled(figures)]
    return PastView(
        tuple(
            PeriodView(
                period_words(number, lang),
                number,
                len(year.last(number)),
                figure_views(total(year.last(number)), lang),
            )
            for number in (SHORT, LONG, YEAR)
        ),
        _named(days_strip(year.days[-LONG:], lang), "quarter"),
        _named(days_strip(year.days, lang), "year"),
        availability_chart(year.days, lang),
        tuple(troubled[:_MOST_DAYS]),
        max(0, len(troubled) - _MOST_DAYS),
    )


def _is_troubled(figures: Figures) -> bool:
    return figures.clock.unavailable > 0 or figures.clock.blind > 0


def _named(strip: Strip, name: str) -> Strip:
    """The strip under a name of its own: a page has two."""
    return replace(strip, about=replace(strip.about, id=name))
