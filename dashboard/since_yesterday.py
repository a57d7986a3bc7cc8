"""What has changed at points since yesterday's midnight: what broke, what came back, and what we did not see."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from dashboard.figure_words import time_words
from dashboard.live.frames import Row
from dashboard.outages import Outage, outages
from dashboard.point_page import outage_views
from dashboard.point_past import line_of, subject_of
from dashboard.staff_views import PointGroup
from dashboard.web.language import language
from dashboard.web.times import local
from services.availability.conditions import UNAVAILABLE, Condition, condition_of
from services.availability.past import Asked, Past, past_of, standing_of
from services.availability.standing import Subject
from services.runtime.spans import Span
from services.status.models import Reason
from services.status.moments import millis, moment
from services.storage.database import Connection
from services.tenants.wallclock import midnight, swedish

MOST = 10
"""So many lines are shown unless all are asked for."""
EXAMINED = 120
"""Of so many points at most the lines are drawn, those that are broken still and broke last: a page stays quick when
half the country is out."""

NOT_WATCHED = Reason.NOT_WATCHED.value
WITHOUT_INTERNET = [reason.value for reason in Reason if condition_of(reason.state, reason) is Condition.LOST]

_WORKS = frozenset({Condition.UP, Condition.DEGRADED})


class Kind(IntEnum):
    """What has become of a point that did not work, worst first; `UNSEEN`: nobody knows, or it is worked on."""

    BROKEN = 0
    UNSEEN = 1
    BACK = 2


@dataclass(frozen=True, slots=True)
class Change:
    """A point's outages since an instant; `at` is when it came to be as it is now (milliseconds since 1970 UTC).

    `lasted` is all that is known not to have worked since then; `from_before`: the first went on already.
    """

    subject: Subject
    kind: Kind
    at: int
    newest: Outage
    number: int
    lasted: int
    from_before: bool


@dataclass(frozen=True, slots=True)
class ChangeView:
    """A change as a line."""

    point: str
    name: str
    place: str
    mark: str
    words: str
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Unseen:
    """How many points we did not see at some time between two instants; `ends_at` is None while it goes on."""

    points: int
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Lately:
    """What is shown; `more` lines are left out, `unexamined` points were too many to look at."""

    since: datetime
    changes: Sequence[ChangeView]
    more: int
    unexamined: int
    unseen: Unseen | None


def window_of(now: datetime) -> Span:
    """The time from yesterday's local midnight until now."""
    return Span(midnight(local(now).date() - timedelta(days=1)), millis(now))


async def changes_of(connection: Connection, rows: Iterable[Row], window: Span) -> list[Change]:
    """The changes at those of the troubled points that are examined, worst and newest first."""
    subjects = [subject_of(row["municipality"], row["point"]) for row in rows if row["broke"]][:EXAMINED]
    if not subjects:
        return []
    first, last = swedish(window.start).date(), swedish(window.end - 1).date()
    known = await standing_of(connection, [Asked(each.municipality, point=each.name) for each in subjects])
    past = await past_of(connection, known, first, last, subjects=subjects)
    found = [change_of(past, subject, window) for subject in subjects]
    return sorted(
        (change for change in found if change), key=lambda change: (change.kind, -change.at, change.subject)
    )


def change_of(past: Past, subject: Subject, window: Span) -> Change | None:
    """What changed at a point; None when it always worked, or has been broken all the time."""
    line = line_of(past, subject, window)
    found = outages(line, until=window.end)
    if not found:
        return None
    newest, oldest = found[0], found[-1]
    from_before = oldest.start == window.start and _went_on(past, subject, window.start)
    ended = window.end if newest.end is None else newest.end
    back = next((each.start for each in line if each.start >= ended and each.condition in _WORKS), None)
    if back is None and from_before and len(found) == 1:
        return None
    if newest.end is None:
        kind, at = Kind.BROKEN, newest.start
    elif back is None:
        kind, at = Kind.UNSEEN, newest.end
    else:
        kind, at = Kind.BACK, back
    lasted = sum(outage.lasted for outage in found)
    return Change(subject, kind, at, newest, len(found), lasted, from_before)


def unseen_of(rows: Iterable[Row], window: Span) -> Unseen | None:
    """All that we did not see, in one: from the first instant until the last."""
    those = [row for row in rows if row["unseen_from"] is not None]
    if not those:
        return None
    until: datetime = max(row["unseen_until"] for row in those)
    goes_on = millis(until) >= window.end
    return Unseen(len(those), min(row["unseen_from"] for row in those), None if goes_on else until)


def lately(
    rows: Sequence[Row],
    changes: Sequence[Change],
    *,
    window: Span,
    groups: Iterable[PointGroup],
    names: Mapping[str, str],
    everything: bool,
    lang: str,
) -> Lately:
    """What is shown of changes; `names` of municipalities where they are told apart, `everything`: all lines."""
    there = {(group.municipality, group.id): group for group in groups}
    known = [(change, there[key]) for change in changes if (key := change.subject.key) in there]
    shown = known if everything else known[:MOST]
    return Lately(
        moment(window.start),
        [_view(change, group, names, lang) for change, group in shown],
        len(known) - len(shown),
        max(0, sum(row["broke"] for row in rows) - EXAMINED),
        unseen_of(rows, window),
    )


def _view(change: Change, group: PointGroup, names: Mapping[str, str], lang: str) -> ChangeView:
    _ = language(lang).gettext
    mark, words = {
        Kind.BROKEN: ("down", _("Fungerar inte")),
        Kind.UNSEEN: ("unknown", _("Fungerade inte när vi senast såg den")),
        Kind.BACK: ("working", _("Fungerar igen")),
    }[change.kind]
    place = " · ".join(
        dict.fromkeys(part for part in (group.place, names.get(group.municipality, "")) if part)
    )
    return ChangeView(
        change.subject.name, group.name, place, mark, words, _detail(change, lang), moment(change.at)
    )


def _detail(change: Change, lang: str) -> str:
    texts = language(lang)
    (outage,) = outage_views([change.newest], lang)
    if change.kind is Kind.BROKEN:
        return outage.words
    away = {"time": time_words(change.lasted), "num": change.number}
    if change.from_before:
        return texts.gettext("Hade varit borta sedan före i går, %(time)s av tiden sedan dess") % away
    if change.number == 1:
        gone = texts.gettext("borta %(time)s") % away
        return f"{outage.words}, {gone}"
    return (
        texts.ngettext("%(num)s avbrott, borta %(time)s", "%(num)s avbrott, borta %(time)s", change.number)
        % away
    )


def _went_on(past: Past, subject: Subject, start: int) -> bool:
    """Whether it did not work in the millisecond before either."""
    day = past.day(subject, swedish(start).date())
    return day is not None and day.line[0].start < start and day.line[0].condition in UNAVAILABLE
