"""The public picture of all points, shared by everyone who asks.

Read at most once in two seconds, or when something has changed; kept while the database is away.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog
from aiohttp import web

from dashboard.kept_bodies import KeptBodies
from dashboard.states import point_words
from dashboard.web.times import machine
from dashboard.words import in_order
from services.runtime.clock import Clock
from services.status.points import DeviceState, PointState, PointStatus, status_of
from services.storage.database import UNREACHABLE
from services.tenants.hours import Opening, opening_at
from services.tenants.public import PublicDevice, PublicMunicipality, PublicPoint, Villages

log = structlog.get_logger()

_KEEP = timedelta(seconds=2)
# How long a reader who could be given the last picture waits for a newer one.
_PATIENCE_S = 3.0


@dataclass(frozen=True, slots=True)
class PointView:
    """A point with everything that is shown of it."""

    point: PublicPoint
    municipality: PublicMunicipality
    status: PointStatus
    opening: Opening | None
    kinds: tuple[tuple[str, int], ...] = ()
    """The kinds of the devices in service there, and how many there are of each."""

    @property
    def id(self) -> str:
        """The point's name in addresses."""
        return self.point.id

    @property
    def is_paused(self) -> bool:
        """Closed for a time; the state of its devices is no news then."""
        return self.point.status == "paused"

    def name(self, lang: str) -> str:
        """The point's own name: in `lang`, else Swedish, else any."""
        return text_in(self.point.names, lang) or self.point.id

    def place(self, lang: str) -> str | None:
        """The village, if the point stands in one."""
        return text_in(self.point.locality_names, lang)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All points at one instant; `version` counts up whenever anything that is shown has changed."""

    version: int
    taken_at: datetime
    municipalities: tuple[PublicMunicipality, ...]
    views: tuple[PointView, ...]
    by_id: Mapping[str, PointView] = field(repr=False)

    def of_municipality(self, code: str | None) -> tuple[PointView, ...]:
        """The points of one municipality, or all."""
        return tuple(view for view in self.views if code in (None, view.municipality.code))


class PublicPoints:
    """The present picture, shared by all who ask; `read` brings what is public."""

    def __init__(self, read: Callable[[], Awaitable[Villages]], clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._lock = asyncio.Lock()
        self._snapshot: Snapshot | None = None
        self._asked_at = datetime.min.replace(tzinfo=UTC)
        self._fresh = False
        self.bodies = KeptBodies()
        """Feeds made from the picture."""

    async def current(self) -> Snapshot:
        """The picture of now; when the database is away, the last one (see its `taken_at`).

        Raises what `read` raises while there is no picture yet.
        """
        async with self._lock:
            if self._snapshot is None:
                self._snapshot = await self._take(None)
            elif not self._fresh or not timedelta() <= self._clock() - self._asked_at < _KEEP:
                self._snapshot = await self._newer(self._snapshot)
            else:
                return self._snapshot
            # Also when nobody answered: those who wait behind us need not wait for the same silence.
            self._asked_at = self._clock()
            return self._snapshot

    def forget(self) -> None:
        """Something has changed: the next who asks gets a new picture."""
        self._fresh = False

    async def _newer(self, last: Snapshot) -> Snapshot:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await self._take(last)
        except UNREACHABLE as error:
            log.warning("public_points_kept", error=type(error).__name__)
            return last

    async def _take(self, last: Snapshot | None) -> Snapshot:
        self._fresh = True
        villages = await self._read()
        now = self._clock()
        views = compose(villages, now)
        municipalities = tuple(sorted(villages.municipalities, key=lambda each: in_order(each.name)))
        if last is not None and last.views == views and last.municipalities == municipalities:
            version = last.version
        else:
            version = last.version + 1 if last else 1
        return Snapshot(version, now, municipalities, views, {view.id: view for view in views})


POINTS = web.AppKey("points", PublicPoints)


def compose(villages: Villages, now: datetime) -> tuple[PointView, ...]:
    """Points with their state, in the order of their municipalities and then by name."""
    municipalities = {municipality.code: municipality for municipality in villages.municipalities}
    devices: dict[tuple[str, str], list[DeviceState]] = {}
    for device in villages.devices:
        devices.setdefault((device.municipality, device.point), []).append(_state(device))
    views = [
        PointView(
            point=point,
            municipality=municipalities[point.municipality],
            status=status_of(devices.get((point.municipality, point.id), ())),
            opening=_opening(point, now),
            kinds=_kinds(devices.get((point.municipality, point.id), ())),
        )
        for point in villages.points
        if point.municipality in municipalities
    ]
    return tuple(sorted(views, key=_alphabetically))


def _alphabetically(view: PointView) -> tuple[str, str, str]:
    return in_order(view.municipality.name), in_order(view.name("sv")), view.id


def changed(before: Snapshot | None, after: Snapshot) -> list[PointView]:
    """The points whose state is another than before, for open pages."""
    if before is None:
        return []
    return [
        view
        for view in after.views
        if view.id not in before.by_id or before.by_id[view.id].status != view.status
    ]


def point_event(view: PointView, now: datetime) -> dict[str, str | None]:
    """What an open page is told when a point changes: the data of the event `point`."""
    return {
        "id": view.id,
        "municipality": view.municipality.code,
        "state": view.status.state,
        "text_sv": point_words(view.status, now, "sv"),
        "text_en": point_words(view.status, now, "en"),
        "since": machine(view.status.since) if view.status.since else None,
    }


def count_states(views: Iterable[PointView]) -> dict[PointState, int]:
    """How many points are in each state."""
    counts = dict.fromkeys(PointState, 0)
    for view in views:
        counts[view.status.state] += 1
    return counts


def text_in(texts: Mapping[str, str], lang: str) -> str | None:
    """A text in `lang`, else in Swedish, else in any language."""
    return texts.get(lang) or texts.get("sv") or next(iter(texts.values()), None)


def _kinds(devices: Iterable[DeviceState]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(device.kind for device in devices).items()))


def _opening(point: PublicPoint, now: datetime) -> Opening | None:
    if point.status == "paused":
        return None
    return opening_at(point.opening_hours, now, exceptions=point.other_hours)


def _state(device: PublicDevice) -> DeviceState:
    return DeviceState(
        kind=device.kind,
        state=device.state,
        reason=device.reason,
        since=device.since,
        last_sign_at=device.last_sign_at,
    )
