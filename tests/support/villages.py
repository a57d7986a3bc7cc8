"""Registered villages and made-up events for tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict, Unpack

from services.ingest.models import Accepted
from services.log.append import append, make_partitions
from services.log.models import Stored
from services.storage.database import Database, Lane, Public, Role
from services.tenants.importing import import_registry
from services.tenants.models import Lifecycle, RegistryFile

# Noon on a Wednesday: far from midnight, summer time and month ends.
NOON = datetime(2026, 9, 16, 12, tzinfo=UTC)
LIDHULT = ("0781", "hs-lidhult-1")


class DeviceFields(TypedDict, total=False):
    """What a test may want to be otherwise with all devices."""

    expected_interval_s: int
    offline_after_s: int
    lifecycle: Lifecycle


def registry(devices: dict[str, str] | None = None, **device: Unpack[DeviceFields]) -> RegistryFile:
    """Return a registry of two municipalities, Ljungby and Motala, each with a point and some hotspots."""
    homes = devices or {"hs-lidhult-1": "0781", "hs-lidhult-2": "0781", "hs-fornasa-1": "0583"}
    return RegistryFile.model_validate(
        {
            "synthetic": True,
            "municipalities": [
                {"code": "0781", "name": "Ljungby", "county": "Kronoberg", "county_code": "07",
                 "seat": {"lat": 56.83, "lon": 13.94}, "languages": ["sv", "en", "de"]},
                {"code": "0583", "name": "Motala", "county": "Östergötland", "county_code": "05",
                 "seat": {"lat": 58.54, "lon": 15.04}},
            ],
            "service_points": [
                {"id": "dp-lidhult", "kind": "digital", "municipality": "0781", "locality": "Lidhult",
                 "name": {"sv": "Digital servicepunkt Lidhult (demo)"}, "lat": 56.83, "lon": 13.45,
                 "opening_hours": "24/7", "services": ["wifi"]},
                {"id": "sp-fornasa", "kind": "fixed", "municipality": "0583", "locality": "Fornåsa",
                 "name": {"sv": "Servicepunkt Fornåsa (demo)"}, "lat": 58.47, "lon": 15.23,
                 "opening_hours": "Mo-Fr 09:00-18:00", "services": ["dagligvaror", "wifi"]},
            ],
            "devices": [
                {"id": name, "kind": "hotspot", "point": "dp-lidhult" if home == "0781" else "sp-fornasa", **device}
                for name, home in homes.items()
            ],
        }
    )  # fmt: skip


@asynccontextmanager
async def villages(
    url: str, *, at: datetime = NOON, devices: dict[str, str] | None = None, **device: Unpack[DeviceFields]
) -> AsyncIterator[Database]:
    """Open a database with two registered municipalities and a log that has room around `at`."""
    async with Database.open(url) as database:
        await import_registry(database, registry(devices, **device))
        async with database.transaction(Role.INGEST, Public()) as connection:
            await make_partitions(connection, now=at)
        yield database


async def lane_of(database: Database, municipality: str) -> int:
    """Return the lane of a municipality."""
    async with database.transaction(Role.WORKER, Public()) as connection:
        lane: int = await connection.fetchval("SELECT lane_for($1)", municipality)
        return lane


def heartbeat(number: int, *, at: datetime | None = None, **changed: object) -> Accepted:
    """Return a numbered heartbeat of `hs-lidhult-1`, a minute after the one before unless `at` says otherwise."""
    moment = at or NOON + timedelta(minutes=number)
    fields: dict[str, Any] = {
        "municipality": LIDHULT[0], "device": LIDHULT[1], "id": f"e-{number}", "type": "device.heartbeat",
        "retention": "standard", "at": moment, "received_at": moment, "time": moment, "boot": "b1", "conn": None,
        "seq": number, "data": {"uptime_s": number * 60}, "clock": "device", "own_id": True,
    }  # fmt: skip
    return Accepted(**(fields | changed))


async def add(database: Database, *events: Accepted) -> Stored:
    """Append events, all of one municipality, in a transaction of their own."""
    lane = await lane_of(database, events[0].municipality)
    async with database.transaction(Role.INGEST, Lane(lane)) as connection:
        return await append(connection, lane, events)
