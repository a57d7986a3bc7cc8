"""What is in the log at the end, held against what was confirmed: the judge of every fault test."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field

import asyncpg

from benchmarks.faults.devices import Device
from benchmarks.faults.fleet import Fleet
from config.app import READINGS
from services.log.follow import verify_lane
from services.log.lanes import lanes_in_use
from services.storage.database import Database
from services.storage.embedded import EmbeddedPostgres

STORED = "SELECT municipality, device, id, count(*) AS times FROM bypunkt.event GROUP BY 1, 2, 3"
LANES = """
SELECT l.lane, l.head, count(e.position) AS events, coalesce(min(e.position), 1) AS first,
    coalesce(max(e.position), 0) AS last
FROM bypunkt.lane AS l
LEFT JOIN bypunkt.event AS e ON e.lane = l.lane
GROUP BY l.lane, l.head
"""
# The ids of what devices count; what else they say has other ids.
OURS = ("n-", "birth-")
SHOWN = 5


@dataclass(slots=True)
class Audit:
    """What is wrong; nothing is how it must be. `stored` counts rows of the devices' numbered events."""

    made: int = 0
    confirmed: int = 0
    refused: int = 0
    stored: int = 0
    dead: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unmade: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing is lost, doubled, invented, misplaced, or other in a reading than in the log."""
        return not (self.lost or self.doubled or self.unmade or self.gaps or self.differences)

    def shown(self) -> dict[str, object]:
        """The figures, and of what is wrong the number and the first few."""
        figures: dict[str, object] = {"clean": self.clean}
        for name, value in asdict(self).items():
            if isinstance(value, int):
                figures[name] = value
            elif value:
                figures[name] = {"count": len(value), "first": value[:SHOWN]}
        return figures


@asynccontextmanager
async def looking(postgres: EmbeddedPostgres) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Look into the database from outside the program."""
    connection = await asyncpg.connect(postgres.dsn())
    try:
        yield connection
    finally:
        await connection.close()


async def audit(postgres: EmbeddedPostgres, fleet: Fleet, *, everything: bool = True) -> Audit:
    """Hold the log against the fleet.

    Every confirmed event must be there once. With `everything` so must every event that was made and not refused,
    which holds after the fleet has settled.
    """
    found = Audit(made=fleet.made)
    async with looking(postgres) as connection:
        rows = await connection.fetch(STORED)
        found.dead = await connection.fetchval("SELECT count(*) FROM bypunkt.dead_letter")
        found.gaps = await _gaps(connection)
    stored: dict[tuple[str, str], Counter[str]] = {}
    for row in rows:
        stored.setdefault((row["municipality"], row["device"]), Counter())[row["id"]] = row["times"]
    for device in fleet.devices:
        _judge(
            found, device, stored.pop((device.municipality, device.name), Counter()), everything=everything
        )
    found.unmade += [
        f"{name} {key}" for (_, name), ids in stored.items() for key in ids if key.startswith(OURS)
    ]
    return found


async def differences(postgres: EmbeddedPostgres) -> list[str]:
    """Compare every reading with the log, in every lane."""
    found = []
    async with Database.open(postgres.dsn(user="bypunkt_app"), statement_s=None) as database:
        for lane in await lanes_in_use(database):
            for reading in READINGS:
                found += [f"{reading.name}: {line}" for line in await verify_lane(database, reading, lane)]
    return found


def _judge(found: Audit, device: Device, stored: Counter[str], *, everything: bool) -> None:
    numbered = {f"n-{number}" for number in range(device.made)}
    found.confirmed += len(device.confirmed & numbered)
    found.refused += len(device.refused)
    found.stored += sum(times for name, times in stored.items() if name in numbered)
    promised = device.confirmed | (numbered - device.refused.keys() if everything else set())
    found.lost += _named(device, promised - device.forgiven - stored.keys())
    found.doubled += _named(
        device, (name for name, times in stored.items() if times > 1 and name.startswith(OURS))
    )
    found.unmade += _named(device, (name for name in stored.keys() - numbered if name.startswith("n-")))


def _named(device: Device, names: Iterable[str]) -> list[str]:
    return [f"{device.name} {name}" for name in sorted(names)]


async def _gaps(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """Lanes whose positions are not 1, 2, 3 … head."""
    return [
        f"lane {row['lane']}: head {row['head']}, {row['events']} events at {row['first']} to {row['last']}"
        for row in await connection.fetch(LANES)
        if not (row["first"] == 1 and row["head"] == row["events"] == row["last"])
    ]
