"""Breaking things by hand, where a demo is what runs: switches that heal by themselves, and what is broken now.

Only the demo gives the web face a desk; without one the addresses below do not exist.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Protocol

import structlog
from aiohttp import web

from dashboard.web import keys
from dashboard.web.forms import read_form
from dashboard.web.language import language
from dashboard.web.pages import language_code, link, render
from dashboard.web.routes import Routes
from dashboard.words import in_order
from services.tenants.access import Permission

log = structlog.get_logger()

routes = Routes()

PAGE = "/staff/demo"


class Switch(StrEnum):
    """What can be broken; the first three at one service point."""

    POWER_CUT = "power_cut"
    UPLINK_LOST = "uplink_lost"
    CLOCK_UNSET = "clock_unset"
    BROKER_STOP = "broker_stop"
    BROKER_KILL = "broker_kill"
    DATABASE_STOP = "database_stop"
    RUSH = "rush"


AT_A_POINT = (Switch.POWER_CUT, Switch.UPLINK_LOST, Switch.CLOCK_UNSET)
EVERYWHERE = (Switch.BROKER_STOP, Switch.BROKER_KILL, Switch.DATABASE_STOP, Switch.RUSH)


@dataclass(frozen=True, slots=True)
class Mishap:
    """Something that is broken, at a place or (none) everywhere, and heals at `ends_at`."""

    switch: Switch
    place: str | None
    ends_at: datetime


class AlreadyBroken(Exception):
    """It has to heal before it can be broken again."""


class Desk(Protocol):
    """Whoever can break the demo and knows what is broken."""

    def places(self) -> Mapping[str, str]:
        """Return the names of the service points by their ids."""

    def lasts_s(self, switch: Switch) -> float:
        """Return how long a switch breaks what it breaks."""

    def under_way(self) -> Sequence[Mishap]:
        """Return what is broken now, also by chance, what heals first at the beginning."""

    async def press(self, switch: Switch, *, place: str | None) -> None:
        """Break it, and return at once; raises AlreadyBroken."""


DESK: web.AppKey[Desk] = web.AppKey("desk")


@routes.get(PAGE, access=Permission.MANAGE_INSTALLATION)
async def desk(request: web.Request) -> web.StreamResponse:
    """Show the switches, and what is broken."""
    return _page(request)


@routes.post(PAGE, access=Permission.MANAGE_INSTALLATION)
async def press(request: web.Request) -> web.StreamResponse:
    """Press a switch: `switch`, and `point` where it breaks something at a service point."""
    form = await read_form(request)
    switch = next((one for one in Switch if one == form.get("switch")), None)
    place = form.get("point") if switch in AT_A_POINT else None
    if switch is None or (switch in AT_A_POINT and place not in request.app[DESK].places()):
        raise web.HTTPBadRequest
    try:
        await request.app[DESK].press(switch, place=place)
    except AlreadyBroken:
        return _page(request, chosen=place, refused=True)
    log.info("demo_switch_pressed", switch=switch)
    raise web.HTTPSeeOther(link(request, PAGE, point=place))


def _page(request: web.Request, *, chosen: str | None = None, refused: bool = False) -> web.Response:
    desk, now, lang = request.app[DESK], request.app[keys.CLOCK](), language_code(request)
    words = _words(lang)
    return render(
        request,
        "staff/demo_desk.html",
        status=409 if refused else 200,
        refused=refused,
        chosen=chosen or request.query.get("point"),
        places=sorted(desk.places().items(), key=lambda place: in_order(place[1])),
        broken=[
            (words[mishap.switch][0], mishap.place, _seconds(mishap.ends_at, now))
            for mishap in desk.under_way()
        ],
        at_a_point=[(one, *words[one], round(desk.lasts_s(one))) for one in AT_A_POINT],
        everywhere=[(one, *words[one], round(desk.lasts_s(one))) for one in EVERYWHERE],
    )


def _seconds(ends_at: datetime, now: datetime) -> int:
    return max(0, math.ceil((ends_at - now).total_seconds()))


@cache
def _words(lang: str) -> Mapping[Switch, tuple[str, str]]:
    """Return what each switch is called, and what is to be seen of it."""
    _ = language(lang).gettext
    return {
        Switch.POWER_CUT: (
            _("Strömavbrott"),
            _("Allt på platsen försvinner utan ett ord och startar om när strömmen är tillbaka."),
        ),
        Switch.UPLINK_LOST: (
            _("Internet borta"),
            _("Enheterna går vidare, når ingen och berättar efteråt vad som hände under tiden."),
        ),
        Switch.CLOCK_UNSET: (
            _("Fel klocka"),
            _("Enheterna startar om och tror att det är 1970. Deras händelser räknas när de kommer."),
        ),
        Switch.BROKER_STOP: (
            _("Stoppa meddelandeservern"),
            _("Vi ser ingenting: alla enheter blir okända, ingen blir felaktigt utan kontakt."),
        ),
        Switch.BROKER_KILL: (
            _("Slå ut meddelandeservern"),
            _("Som ett strömavbrott i serverhallen: den glömmer vad den hade, enheterna skickar igen."),
        ),
        Switch.DATABASE_STOP: (
            _("Stoppa databasen"),
            _("De öppna sidorna visar senast kända läge. Händelserna väntar hos meddelandeservern."),
        ),
        Switch.RUSH: (
            _("En dag i juli"),
            _("Marknad i alla byar: många ansluter till wifi samtidigt."),
        ),
    }
