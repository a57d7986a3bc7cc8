"""Who stood where, in service, and since when anything is known of them: what subjects' days are made of."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from services.availability.days import day_of
from services.runtime.spans import Spans, spans_of
from services.tenants.wallclock import midnight

DEVICE, POINT = "device", "point"
FOREVER = 2**62


class Key(NamedTuple):
    """A device or a point, by its municipality and its name."""

    municipality: str
    name: str


class Subject(NamedTuple):
    """What has days: a device or a point of a municipality."""

    municipality: str
    kind: str
    name: str

    @property
    def key(self) -> Key:
        """The device or the point itself."""
        return Key(self.municipality, self.name)


class Placed(NamedTuple):
    """What the registry says of a device from an instant on, until it says something else."""

    device: Key
    since: int
    point: str | None
    kind: str
    in_service: bool


@dataclass(frozen=True, slots=True)
class Presence:
    """When a device stood somewhere in service, from the first day on that anything is known of it."""

    device: Key
    kind: str
    there: Spans


@dataclass(frozen=True, slots=True)
class Standing:
    """The presences of each subject, the subjects that each touches, and each device's first day."""

    presences: Mapping[Subject, tuple[Presence, ...]]
    touching: Mapping[Subject, frozenset[Subject]] = field(default_factory=dict)
    first_days: Mapping[Key, date] = field(default_factory=dict)

    def devices_of(self, subjects: Iterable[Subject]) -> list[Key]:
        """The devices that days of these subjects are counted from."""
        return sorted(
            {presence.device for subject in subjects for presence in self.presences.get(subject, ())}
        )


def standing(placed: Iterable[Placed], first_known: Mapping[Key, int]) -> Standing:
    """Bring what the registry said, in any order, together with the first instant that is known of each device."""
    by_device: dict[Key, list[Placed]] = defaultdict(list)
    for one in placed:
        by_device[one.device].append(one)
    stretches: dict[Subject, dict[tuple[Key, str], list[tuple[int, int]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    touching: dict[Subject, set[Subject]] = defaultdict(set)
    first_days = {device: day_of(at) for device, at in first_known.items()}
    for device, several in by_device.items():
        itself = Subject(device.municipality, DEVICE, device.name)
        touching[itself].add(itself)
        known_from = midnight(first_days[device]) if device in first_days else FOREVER
        for one, until in _in_turn(several):
            at = [itself]
            if one.point is not None:
                at.append(Subject(device.municipality, POINT, one.point))
                touching[itself].add(at[1])
                touching[at[1]] |= {at[1], itself}
            if one.in_service:
                for subject in at:
                    stretches[subject][device, one.kind].append((max(one.since, known_from), until))
    return Standing(
        {subject: _presences(found) for subject, found in stretches.items()},
        {subject: frozenset(others) for subject, others in touching.items()},
        first_days,
    )


def _in_turn(several: list[Placed]) -> Iterable[tuple[Placed, int]]:
    """Each with the instant at which the next one begins; what is said first holds for all time before it too."""
    first, *others = sorted(several, key=lambda one: one.since)
    ordered = [first._replace(since=0), *others]
    ends = [*(one.since for one in ordered[1:]), FOREVER]
    return zip(ordered, ends, strict=True)


def _presences(found: Mapping[tuple[Key, str], list[tuple[int, int]]]) -> tuple[Presence, ...]:
    presences = (
        Presence(device, kind, spans_of(stretches)) for (device, kind), stretches in sorted(found.items())
    )
    return tuple(presence for presence in presences if presence.there)
