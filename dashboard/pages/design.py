"""The design system shown to those who build with it: every colour, size and part, in all its states."""

from datetime import datetime, timedelta

from aiohttp import web

from dashboard import tokens
from dashboard.day_bar import WIDTH, stretches
from dashboard.day_hours import today_of
from dashboard.points import PointView
from dashboard.public_words import PublicWords
from dashboard.states import device_words
from dashboard.web import keys
from dashboard.web.language import language
from dashboard.web.pages import language_code, render
from dashboard.web.routes import Routes
from services.status.points import DeviceState, status_of
from services.tenants.access import Permission
from services.tenants.hours import opening_at
from services.tenants.public import PublicMunicipality, PublicPoint

routes = Routes()

_MARKS = {"up": "working", "degraded": "partly", "down": "down", "blind": "unknown"}
_HOURS = "Mo-Su 08:00-20:00"


@routes.get("/staff/design", access=Permission.SEE_OVERVIEW)
async def design(request: web.Request) -> web.StreamResponse:
    """Every part of the pages, with its name, what it is for, and its states; all examples are made up."""
    lang, now = language_code(request), request.app[keys.CLOCK]()
    themes = tokens.themes()
    since = now - timedelta(hours=3)
    day = [
        {
            "state": state,
            "reason": "",
            "starts_at": now - timedelta(hours=begin),
            "ends_at": now - timedelta(hours=end),
        }
        for state, begin, end in (
            ("up", 24, 15),
            ("blind", 15, 13),
            ("up", 13, 6),
            ("degraded", 6, 3),
            ("down", 3, 0),
        )
    ]
    return render(
        request,
        "staff/design.html",
        states=_state_names(lang),
        colours={name: (themes["light"][name], themes["dark"][name]) for name in themes["light"]},
        contrasts=[
            (pair, [tokens.contrast(theme[pair.front], theme[pair.back]) for theme in themes.values()])
            for pair in tokens.pairs()
        ],
        themes=_theme_names(lang),
        rows=[
            _example(device, now=now, since=since)
            for device in (("up", "heard"), ("degraded", "late"), ("down", "silent"), ("blind", "unseen"))
        ],
        words=PublicWords(lang, now),
        day=[
            {"state": _MARKS[part.state], "x": part.x, "width": part.width}
            for part in stretches(day, first=now - timedelta(hours=24), last=now)
        ],
        day_from=now - timedelta(hours=24),
        whole=WIDTH,
        hours=today_of(_HOURS, now),
    )


def _state_names(lang: str) -> dict[str, str]:
    _ = language(lang).gettext
    measured = {mark: device_words(state, lang) for state, mark in _MARKS.items()}
    return {**measured, "closed": _("Stängt"), "maintenance": _("Underhåll")}


def _theme_names(lang: str) -> list[str]:
    """The themes by name, in the order of `tokens.themes`."""
    _ = language(lang).gettext
    more = _("mer kontrast")
    return [_("Ljust"), _("Mörkt"), f"{_('Ljust')}, {more}", f"{_('Mörkt')}, {more}"]


def _example(device: tuple[str, str], *, now: datetime, since: datetime) -> PointView:
    """A point that does not exist, whose only hotspot is in this state for this reason."""
    state, reason = device
    municipality = PublicMunicipality("0000", "Exempel", "Exempel", ("sv",), 60.0, 15.0)
    point = PublicPoint(
        municipality="0000",
        id=f"exempel-{state}",
        kind="fixed",
        names={"sv": "Servicepunkt Exempel", "en": "Example service point"},
        locality_names={"sv": "Exempelby"},
        lat=None,
        lon=None,
        opening_hours=_HOURS,
        services=("dagligvaror", "post_paket", "wifi"),
        status="active",
        synthetic=True,
        updated_at=now,
    )
    heard = None if state == "blind" else since
    status = status_of([DeviceState("hotspot", state, reason, heard, heard)])
    return PointView(point, municipality, status, opening_at(_HOURS, now))
