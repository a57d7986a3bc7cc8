"""The registry as one lane needs it to judge by: its own devices, and to whom a foreign name belongs."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.ingest.models import Accepted, KnownDevice
from services.storage.database import Database, Lane, Role
from services.storage.sql import load_queries

queries = load_queries(__package__)

# Names of other lanes' devices that are remembered; when full, all are forgotten (they are looked up again).
_FOREIGN_NAMES = 10_000


@dataclass(slots=True)
class LaneRegistry:
    """A picture of the registry at one moment; made again when the registry changes.

    `fingerprint` is that of what was read, None for a picture that was not read.
    """

    municipalities: frozenset[str] = frozenset()
    devices: dict[tuple[str, str], KnownDevice] = field(default_factory=dict)
    spooling: set[tuple[str, str]] = field(default_factory=set)
    fingerprint: str | None = None
    _owners: dict[str, str | None] = field(default_factory=dict)

    def device(self, municipality: str, device: str) -> KnownDevice | None:
        """Return the device of this municipality by that name."""
        return self.devices.get((municipality, device))

    def municipality_of(self, device: str) -> str | None:
        """Return the municipality that a name belongs to, as far as `look_up` has asked for it."""
        return self._owners.get(device)

    def note_spools(self, events: Iterable[Accepted]) -> None:
        """Remember what births among stored events say about spools."""
        for event in events:
            if event.is_birth:
                change = self.spooling.add if event.declares_spool else self.spooling.discard
                change((event.municipality, event.device))

    def forget_owners(self) -> None:
        """Forget to whom foreign names belong: somewhere else the registry may have changed."""
        self._owners.clear()

    async def look_up(self, database: Database, lane: int, names: Iterable[tuple[str, str]]) -> None:
        """Find out whose the devices are that this lane does not know."""
        asked = {device for key in names if key not in self.devices and (device := key[1])}
        if len(self._owners) + len(asked) > _FOREIGN_NAMES:
            self._owners.clear()
        strange = asked - self._owners.keys()
        if not strange:
            return
        async with database.transaction(Role.INGEST, Lane(lane)) as connection:
            rows = await connection.fetch(queries.owners_of_devices, list(strange))
        self._owners.update(dict.fromkeys(strange))
        self._owners.update({row["id"]: row["municipality"] for row in rows})


async def still_says(database: Database, lane: int, known: LaneRegistry) -> bool:
    """Whether the lane's part of the registry is as it was read: of a country's changes most are in another lane."""
    async with database.transaction(Role.INGEST, Lane(lane)) as connection:
        fingerprint: str = await connection.fetchval(queries.lane_registry_fingerprint)
    return fingerprint == known.fingerprint


async def load_registry(database: Database, lane: int) -> LaneRegistry:
    """Read the lane's part of the registry."""
    async with database.transaction(Role.INGEST, Lane(lane)) as connection:
        # Before the rest: what changes in between is read too, and noticed once more at the next look.
        fingerprint = await connection.fetchval(queries.lane_registry_fingerprint)
        municipalities = await connection.fetch(queries.lane_municipalities)
        devices = await connection.fetch(queries.lane_registry)
        spooling = await connection.fetch(queries.spooling_devices)
    return LaneRegistry(
        municipalities=frozenset(row["code"] for row in municipalities),
        devices={
            (row["municipality"], row["id"]): KnownDevice(
                id=row["id"],
                kind=row["kind"],
                lifecycle=row["lifecycle"],
                codec=row["codec"],
                topic_identity=row["topic_identity"],
            )
            for row in devices
        },
        spooling={(row["municipality"], row["device"]) for row in spooling},
        fingerprint=fingerprint,
    )
