"""What everyone may know of the villages, read through the public role from the public views (rule R25)."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.runtime.clock import Clock, now
from services.storage.database import Database, Public, Role
from services.storage.sql import load_queries
from services.tenants.wallclock import SWEDEN

queries = load_queries(__package__)


@dataclass(frozen=True, slots=True)
class PublicMunicipality:
    """A municipality by its SCB code, with the languages it speaks on its pages."""

    code: str
    name: str
    county: str
    languages: tuple[str, ...]
    seat_lat: float
    seat_lon: float


@dataclass(frozen=True, slots=True)
class PublicException:
    """A local day on which other hours hold; why, by language."""

    day: date
    opening_hours: str
    reason: dict[str, str]


@dataclass(frozen=True, slots=True)
class PublicPoint:
    """A service point that is open to the public or paused; names by language, WGS 84, OSM opening hours."""

    municipality: str
    id: str
    kind: str
    names: dict[str, str]
    locality_names: dict[str, str]
    lat: float | None
    lon: float | None
    opening_hours: str | None
    services: tuple[str, ...]
    status: str
    synthetic: bool
    updated_at: datetime
    exceptions: tuple[PublicException, ...] = ()
    """From yesterday on, in their order."""

    @property
    def other_hours(self) -> Mapping[date, str]:
        """The hours of the days that have others than ever."""
        return {exception.day: exception.opening_hours for exception in self.exceptions}


@dataclass(frozen=True, slots=True)
class PublicDevice:
    """The measured state of an active device of a point; the device itself stays unnamed."""

    municipality: str
    point: str
    kind: str
    state: str
    reason: str
    since: datetime | None
    last_sign_at: datetime | None


@dataclass(frozen=True, slots=True)
class Villages:
    """Everything public at one instant, in no promised order."""

    municipalities: tuple[PublicMunicipality, ...]
    points: tuple[PublicPoint, ...]
    devices: tuple[PublicDevice, ...]


async def read_villages(database: Database, *, clock: Clock = now) -> Villages:
    """Read what is public, all of it from one transaction."""
    yesterday = clock().astimezone(SWEDEN).date() - timedelta(days=1)
    async with database.transaction(Role.READ, Public()) as connection:
        municipalities = await connection.fetch(queries.public_municipalities)
        points = await connection.fetch(queries.public_points)
        exceptions: dict[tuple[str, str], list[PublicException]] = defaultdict(list)
        for row in await connection.fetch(queries.public_exceptions, yesterday):
            exceptions[row["municipality"], row["point"]].append(
                PublicException(row["day"], row["opening_hours"], row["reason"])
            )
        devices = await connection.fetch(queries.public_device_states)
    return Villages(
        municipalities=tuple(
            PublicMunicipality(**{**row, "languages": tuple(row["languages"])}) for row in municipalities
        ),
        points=tuple(
            PublicPoint(
                **{**row, "services": tuple(row["services"]), "locality_names": row["locality_names"] or {}},
                exceptions=tuple(exceptions.get((row["municipality"], row["id"]), ())),
            )
            for row in points
        ),
        devices=tuple(PublicDevice(**row) for row in devices),
    )
