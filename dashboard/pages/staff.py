"""The staff overview: what is wrong first, what just happened, and whether we ourselves can see; live."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from dashboard.live.frames import LaneSight
from dashboard.live.places import write_places
from dashboard.live.sight import sight_in
from dashboard.live.store import clients_at, places
from dashboard.map_view import MapView
from dashboard.since_yesterday import NOT_WATCHED, WITHOUT_INTERNET, Lately, changes_of, lately, window_of
from dashboard.staff_views import (
    STATES,
    DeviceView,
    PointGroup,
    by_municipality,
    count_states,
    device_view,
    event_view,
    group_by_point,
    hands,
    search,
    state_counts,
)
from dashboard.states import count_words
from dashboard.web import guard, keys
from dashboard.web.language import language
from dashboard.web.pages import language_code, render
from dashboard.web.routes import Routes
from dashboard.words import in_order
from services.status.moments import moment
from services.status.points import PointState
from services.storage.database import Connection, Role
from services.storage.sql import load_queries
from services.tenants.access import Permission, allows

queries = load_queries(__package__, "staff.sql")

routes = Routes()

NEWEST = 30
LONGEST_SEARCH = 80


@dataclass(frozen=True, slots=True)
class Municipality:
    """A municipality that the person may see."""

    code: str
    name: str
    lane: int
    seat_lat: float
    seat_lon: float


@routes.get("/staff", access=Permission.SEE_OVERVIEW)
async def overview(request: web.Request) -> web.StreamResponse:
    """Show the devices of one municipality or of all in scope, `?q=` those named so; some may see sums only."""
    scope = await guard.tenants(request)
    async with request.app[keys.DATABASE].transaction(Role.WEB, scope) as connection:
        rows = await connection.fetch(queries.municipalities)
    everywhere = [Municipality(**row) for row in rows]
    shown = guard.narrowed(scope, request.query.get("municipality"))
    chosen = next((each for each in everywhere if (each.code,) == shown.codes), None)
    choices = {"municipalities": everywhere, "chosen": chosen}
    async with request.app[keys.DATABASE].transaction(Role.WEB, shown) as connection:
        if not allows(guard.signed_in(request), Permission.SEE_DEVICES):
            return await _sums(request, connection, choices)
        return await _devices(request, connection, choices)


async def _devices(
    request: web.Request, connection: Connection, choices: Mapping[str, Any]
) -> web.StreamResponse:
    now, lang = request.app[keys.CLOCK](), language_code(request)
    here = [choices["chosen"]] if choices["chosen"] else choices["municipalities"]
    lanes = sorted({municipality.lane for municipality in here})
    # Where the lanes are is read first: what comes while the page is made is then told twice, never left out.
    since = await places(connection, lanes)
    rows = await connection.fetch(queries.devices)
    hotspots = [(row["municipality"], row["device"]) for row in rows if row["kind"] == "hotspot"]
    clients = await clients_at(connection, hotspots, now=now)
    everything = [device_view(row, lang, clients.get((row["municipality"], row["device"]))) for row in rows]
    points = await connection.fetch(queries.points)
    events = await connection.fetch(queries.newest_events, lanes, NEWEST)
    homeless = language(lang).gettext("Utan servicepunkt")
    groups = group_by_point(points, everything, lang, homeless=homeless)
    sought = request.query.get("q", "").strip()[:LONGEST_SEARCH]
    changed = None if sought or not rows else await _lately(request, connection, groups, here)
    if sought:
        groups = search(groups, sought)
    devices = [device for group in groups for device in group.devices]
    by_code = by_municipality(devices, lang)
    return render(
        request,
        "staff/overview.html",
        **choices,
        sought=sought,
        is_new=not rows,
        groups=groups,
        hands=hands(groups),
        lately=changed,
        counts=count_states(devices, lang),
        clients=_connected(devices),
        number_of_points=len(points),
        number_of_devices=len(devices),
        rows=[(each, None, by_code[each.code]) for each in here if each.code in by_code],
        heads=state_counts({}, lang),
        names={municipality.code: municipality.name for municipality in here},
        events=[event_view(row, lang) for row in events],
        sight=_sight(await sight_in(connection, now=now), here),
        since=write_places(since),
        map=MapView(
            None,
            [(each.name, each.seat_lat, each.seat_lon) for each in here],
            {state.value: count_words(state, lang) for state in PointState},
        ),
    )


async def _lately(
    request: web.Request, connection: Connection, groups: Sequence[PointGroup], here: Sequence[Municipality]
) -> Lately:
    window = window_of(request.app[keys.CLOCK]())
    rows = await connection.fetch(
        queries.troubled_points, moment(window.start), moment(window.end), NOT_WATCHED, WITHOUT_INTERNET
    )
    return lately(
        rows,
        await changes_of(connection, rows, window),
        window=window,
        groups=groups,
        names={municipality.code: municipality.name for municipality in here} if len(here) > 1 else {},
        everything=request.query.get("lately") == "all",
        lang=language_code(request),
    )


def _connected(devices: Iterable[DeviceView]) -> int | None:
    """How many are connected to all that say so; none when nobody does."""
    known = [device.clients for device in devices if device.clients is not None]
    return sum(known) if known else None


async def _sums(
    request: web.Request, connection: Connection, choices: Mapping[str, Any]
) -> web.StreamResponse:
    lang = language_code(request)
    numbers: dict[str, dict[str, int]] = {}
    for row in await connection.fetch(queries.sums):
        numbers.setdefault(row["municipality"], {})[row["state"]] = row["devices"]
    points = {row["municipality"]: row["points"] for row in await connection.fetch(queries.point_counts)}
    rows = [
        (
            municipality,
            points.get(municipality.code, 0),
            state_counts(numbers.get(municipality.code, {}), lang),
        )
        for municipality in choices["municipalities"]
        if choices["chosen"] in (None, municipality)
    ]
    totals = {
        state: sum(numbers.get(municipality.code, {}).get(state, 0) for municipality, _, _ in rows)
        for state in STATES
    }
    return render(
        request,
        "staff/sums.html",
        **choices,
        rows=rows,
        heads=state_counts({}, lang),
        totals=state_counts(totals, lang),
    )


def _sight(sight: Mapping[int, LaneSight], here: list[Municipality]) -> dict[str, Any]:
    names: dict[int, list[str]] = {}
    for municipality in here:
        names.setdefault(municipality.lane, []).append(municipality.name)
    blind = {lane for lane in names if lane not in sight or not sight[lane].seeing}
    seen = [sight[lane].seen_until if lane in sight else None for lane in blind]
    return {
        "until": min((until for until in seen if until), default=None),
        "names": {str(lane): there for lane, there in names.items()},
        "blind_lanes": sorted(blind),
        "blind_names": sorted((name for lane in blind for name in names[lane]), key=in_order),
        "is_everywhere": len(here) > 1 and blind == set(names),
    }
