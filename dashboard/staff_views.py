"""What staff pages show, as values: devices, points with their devices, events, sums; pure, without a database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from dashboard.device_words import event_words, reason_words
from dashboard.live.frames import Row
from dashboard.points import text_in
from dashboard.states import device_words
from dashboard.words import device_kind_words, in_order
from services.status.models import Reason

STATES = ("down", "degraded", "blind", "up")
"""The measured states, worst first."""

MARKS = {"up": "working", "degraded": "partly", "down": "down", "blind": "unknown"}
"""The shape that stands for each state (`parts/shapes.html`)."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class DeviceView:
    """One device as a row of a table."""

    municipality: str
    id: str
    kind: str
    point: str | None
    lifecycle: str
    state: str
    state_words: str
    reason: str
    reason_words: str
    since: datetime | None
    last_sign_at: datetime | None
    revision: int
    clients: int | None

    @property
    def mark(self) -> str:
        """The shape of its state."""
        return MARKS[self.state]

    @property
    def rank(self) -> int:
        """Its place among others, worst first."""
        return STATES.index(self.state)

    @property
    def needs_a_hand(self) -> bool:
        """Whether somebody should look at it; that we cannot see, or that it is not in service, is no such thing."""
        return self.lifecycle == "active" and (
            self.state in ("down", "degraded") or self.reason == Reason.NEVER_SEEN
        )


@dataclass(frozen=True, slots=True)
class PointGroup:
    """A service point with its devices; without a point it holds what stands nowhere yet."""

    id: str | None
    name: str
    place: str
    municipality: str
    paused: bool
    devices: tuple[DeviceView, ...]
    lat: float | None = None
    lon: float | None = None

    @property
    def mark(self) -> str:
        """The shape of its worst device."""
        return self.devices[0].mark if self.devices else "unknown"

    @property
    def rank(self) -> int:
        """The rank of its worst device; a point without devices comes last."""
        return min((device.rank for device in self.devices), default=len(STATES))


@dataclass(frozen=True, slots=True)
class EventView:
    """One event as a row of a list."""

    municipality: str
    device: str
    type: str
    at: datetime
    received_at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Hand:
    """A device that needs a hand, and where it stands."""

    device: DeviceView
    group: PointGroup


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many devices are in a state."""

    state: str
    mark: str
    words: str
    number: int


def device_view(row: Row, lang: str, clients: int | None = None) -> DeviceView:
    """A device from its row."""
    return DeviceView(
        municipality=row["municipality"],
        id=row["device"],
        kind=device_kind_words(row["kind"], lang),
        point=row["point"],
        lifecycle=row["lifecycle"],
        state=row["state"],
        state_words=device_words(row["state"], lang),
        reason=row["reason"],
        reason_words=reason_words(row["reason"], lang),
        since=row["since"],
        last_sign_at=row["last_sign_at"],
        revision=row["revision"],
        # Of a device that is not heard nobody knows how many are connected now.
        clients=clients if row["state"] in ("up", "degraded") else None,
    )


def event_view(row: Row, lang: str) -> EventView:
    """An event from its row."""
    return EventView(
        municipality=row["municipality"],
        device=row["device"],
        type=row["type"],
        at=row["at"],
        received_at=row["received_at"],
        words=event_words(row["type"], row["data"], lang),
    )


def group_by_point(
    points: Iterable[Row], devices: Iterable[DeviceView], lang: str, *, homeless: str
) -> list[PointGroup]:
    """Points with their devices, worst first; devices without a point come under the name `homeless`."""
    at_point: dict[tuple[str, str | None], list[DeviceView]] = {}
    for device in devices:
        at_point.setdefault((device.municipality, device.point), []).append(device)
    groups = [
        PointGroup(
            id=point["id"],
            name=text_in(point["names"], lang) or point["id"],
            place=text_in(point["locality_names"] or {}, lang) or "",
            municipality=point["municipality"],
            paused=point["status"] == "paused",
            devices=_worst_first(at_point.pop((point["municipality"], point["id"]), [])),
            lat=point["lat"],
            lon=point["lon"],
        )
        for point in points
    ]
    left: dict[str, list[DeviceView]] = {}
    for (municipality, _), there in at_point.items():
        left.setdefault(municipality, []).extend(there)
    groups.extend(
        PointGroup(
            id=None, name=homeless, place="", municipality=code, paused=False, devices=_worst_first(there)
        )
        for code, there in left.items()
    )
    return sorted(groups, key=lambda group: (group.rank, in_order(group.name), group.municipality))


def hands(groups: Iterable[PointGroup]) -> list[Hand]:
    """What needs a hand now, worst first and of these the newest; what stands at a paused point can wait."""
    found = [
        Hand(device, group)
        for group in groups
        if not group.paused
        for device in group.devices
        if device.needs_a_hand
    ]
    found.sort(key=lambda hand: hand.device.id)
    found.sort(key=lambda hand: hand.device.since or _LONG_AGO, reverse=True)
    return sorted(found, key=lambda hand: hand.device.rank)


def search(groups: Iterable[PointGroup], text: str) -> list[PointGroup]:
    """The points that are named so, with all their devices, and those that have a device named so, with these."""
    sought = text.casefold()
    found = []
    for group in groups:
        if any(sought in name.casefold() for name in (group.name, group.place, group.id or "")):
            found.append(group)
        elif named := tuple(
            device
            for device in group.devices
            if sought in device.id.casefold() or sought in device.kind.casefold()
        ):
            found.append(replace(group, devices=named))
    return found


def count_states(devices: Iterable[DeviceView], lang: str) -> list[StateCount]:
    """How many active devices are in each state, worst first."""
    numbers = dict.fromkeys(STATES, 0)
    for device in devices:
        if device.lifecycle == "active":
            numbers[device.state] += 1
    return state_counts(numbers, lang)


def state_counts(numbers: Mapping[str, int], lang: str) -> list[StateCount]:
    """Numbers by state with the states' words, worst first."""
    return [
        StateCount(state, MARKS[state], device_words(state, lang), numbers.get(state, 0)) for state in STATES
    ]


def by_municipality(devices: Iterable[DeviceView], lang: str) -> dict[str, list[StateCount]]:
    """How many active devices of each municipality are in each state."""
    there: dict[str, list[DeviceView]] = {}
    for device in devices:
        there.setdefault(device.municipality, []).append(device)
    return {code: count_states(its, lang) for code, its in there.items()}


def _worst_first(devices: Sequence[DeviceView]) -> tuple[DeviceView, ...]:
    return tuple(sorted(devices, key=lambda device: (device.rank, device.id)))
