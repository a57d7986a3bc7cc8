"""Real agents, each a process of its own with a spool on disk, beside the fleet of light devices."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from benchmarks.faults.audit import Audit, looking
from benchmarks.faults.rig import AGENT, Rig, homes_of
from benchmarks.faults.waiting import until
from services.storage.embedded import EmbeddedPostgres
from tests.gateway.agent.processes import Machine

# Views handed in by a page a second.
_AT_ONCE = 10
_STORED = (
    "SELECT id, count(*) AS times FROM bypunkt.event WHERE device = $1 AND type = 'kiosk.view' GROUP BY id"
)


@dataclass(frozen=True, slots=True)
class Agents:
    """The agents at work, and their pages."""

    postgres: EmbeddedPostgres
    machines: Sequence[Machine]
    pages: Sequence[asyncio.Task[None]]
    closed: asyncio.Event

    async def settle(self, *, within: float) -> None:
        """Close the pages, and wait until everything that the agents had accepted is stored."""
        self.closed.set()
        if self.pages:
            await asyncio.wait(self.pages)

        async def all_stored() -> bool:
            return not (await _counted(self.postgres, self.machines)).lost

        await until(all_stored, within=within, every=1)

    async def audit(self, found: Audit) -> None:
        """Add what of the accepted is missing, or there twice."""
        counted = await _counted(self.postgres, self.machines)
        found.confirmed += counted.confirmed
        found.stored += counted.stored
        found.lost += counted.lost
        found.doubled += counted.doubled


@asynccontextmanager
async def at_work(installation: Rig) -> AsyncIterator[Agents]:
    """Run the plan's agents, each with a page that leaves views with it until it is closed."""
    folder, mosquitto = installation.folder, installation.mosquitto
    homes = homes_of(installation.plan.agents, name=AGENT)
    machines = [Machine(folder, mosquitto, device=name, municipality=home) for name, home in homes.items()]
    closed = asyncio.Event()
    async with AsyncExitStack() as stack:
        for machine in machines:
            await stack.enter_async_context(machine.running())
        async with asyncio.TaskGroup() as tasks:
            pages = [tasks.create_task(_visit(machine, closed), name=machine.device) for machine in machines]
            yield Agents(installation.postgres, machines, pages, closed)
            closed.set()


async def _counted(postgres: EmbeddedPostgres, machines: Sequence[Machine]) -> Audit:
    found = Audit()
    async with looking(postgres) as connection:
        for machine in machines:
            stored = {row["id"]: row["times"] for row in await connection.fetch(_STORED, machine.device)}
            accepted = set(machine.accepted)
            found.confirmed += len(accepted)
            found.stored += len(accepted & stored.keys())
            found.lost += [f"{machine.device} {name}" for name in sorted(accepted - stored.keys())]
            found.doubled += [f"{machine.device} {name}" for name, times in stored.items() if times > 1]
    return found


async def _visit(machine: Machine, closed: asyncio.Event) -> None:
    number = 0
    while not closed.is_set():
        await machine.hand_in(range(number, number + _AT_ONCE))
        number += _AT_ONCE
        await asyncio.sleep(1)
