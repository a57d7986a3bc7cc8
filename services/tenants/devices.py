"""Devices in the registry: look at them, and move them in their life cycle."""

from collections.abc import Mapping, Sequence

import asyncpg

from services.storage.database import Connection
from services.tenants.importing import queries
from services.tenants.models import Lifecycle

# What may follow what (domain, life cycles); retired is the end, and the name is never given again.
MOVES: Mapping[Lifecycle, frozenset[Lifecycle]] = {
    "registered": frozenset({"active", "retired"}),
    "active": frozenset({"suspended", "retired"}),
    "suspended": frozenset({"active", "retired"}),
    "retired": frozenset(),
}


class DeviceError(ValueError):
    """What was asked for a device cannot be done; the message says why."""


async def every_device(connection: Connection) -> Sequence[asyncpg.Record]:
    """Return the devices of the municipalities in scope."""
    rows: Sequence[asyncpg.Record] = await connection.fetch(queries.devices)
    return rows


async def device_named(connection: Connection, device: str) -> asyncpg.Record:
    """Return a device of the municipalities in scope; raises `DeviceError`."""
    for row in await every_device(connection):
        if row["id"] == device:
            return row
    raise DeviceError(f"there is no device {device}")


async def move(connection: Connection, device: str, lifecycle: Lifecycle) -> None:
    """Move a device in its life cycle; gateways follow at once. Raises `DeviceError`."""
    present: Lifecycle = (await device_named(connection, device))["lifecycle"]
    if lifecycle not in MOVES[present]:
        follows = " or ".join(sorted(MOVES[present])) or "nothing more"
        raise DeviceError(f"device {device} is {present}; it can become {follows}")
    await connection.execute(queries.set_lifecycle, device, lifecycle)
    await announce(connection)


async def announce(connection: Connection) -> None:
    """Tell gateways and pages that the registry changed."""
    await connection.execute(queries.announce_registry)
