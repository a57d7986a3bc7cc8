"""Q3: variants of the program that are broken on purpose; every one must be caught.

Each has a plan and a story under which the program as it is loses and doubles nothing (`variant="nothing"` shows it).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.faults.devices import Habits
from benchmarks.faults.rig import Plan, Rig, rig
from benchmarks.faults.waiting import until
from services.runtime.failpoints import SETTING

EVENTS = 900
RATE = 500.0
_SOME = 200
_NO_SPOOL = Habits(spool=False)


async def database_and_gateway_die(installation: Rig) -> None:
    """PostgreSQL is frozen and dies, and then the gateway with what it has in hand."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(installation.fleet.pace(EVENTS, rate=RATE), name="load")
        await installation.stored_at_least(EVENTS // 5)
        await installation.database.freeze_and_kill()
        await asyncio.sleep(0.5)
        await installation.gateway.kill()
        await installation.mend()


async def gateway_dies(installation: Rig) -> None:
    """The gateway dies several times."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(installation.fleet.pace(EVENTS, rate=RATE), name="load")
        for moment in range(EVENTS // 5, EVENTS, EVENTS // 5):
            await until(lambda due=moment: installation.fleet.made >= due, within=60)
            await installation.gateway.kill()
            await installation.mend()


async def database_dies(installation: Rig) -> None:
    """PostgreSQL dies under load."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(installation.fleet.pace(EVENTS, rate=RATE), name="load")
        await installation.stored_at_least(EVENTS // 2)
        await installation.database.kill()
        await installation.mend()


async def gateway_dies_before_it_acknowledges(installation: Rig) -> None:
    """The gateway dies with what is stored and not acknowledged: broker and devices send it again."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(installation.fleet.pace(EVENTS, rate=RATE), name="load")
        await until(lambda: installation.fleet.made >= EVENTS // 2, within=60)
        await installation.gateway.kill()
        await installation.gateway.start(**{SETTING: "gateway.committed=kill@3"})
        async with asyncio.timeout(60):
            await installation.gateway.wait()
        await installation.mend()


async def nothing_happens(installation: Rig) -> None:
    """Everything stays up."""
    await installation.fleet.pace(EVENTS, rate=RATE)


async def broker_forgets_while_a_batch_is_stored(installation: Rig) -> None:
    """A batch waits for PostgreSQL while the broker begins anew: message numbers are used again."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(installation.fleet.pace(_SOME, rate=RATE), name="load")
        await until(lambda: installation.fleet.made >= _SOME // 2, within=30, every=0.01)
        stored = await installation.stored()
        installation.database.freeze()
    await until(lambda: not installation.fleet.left, within=30)
    up = installation.said("mqtt_connected")
    await installation.broker.kill()
    await installation.broker.start()
    await until(lambda: installation.said("mqtt_connected") >= up + installation.lanes, within=30)
    installation.fleet.forgive()  # what was said to a broker that lost its store, or to one that nobody listened to
    installation.fleet.make(5 * _SOME)
    await until(lambda: not installation.fleet.left, within=30)
    await asyncio.sleep(1)  # on their way from the broker to the gateway
    installation.database.thaw()
    await installation.stored_at_least(stored + 1)
    await asyncio.sleep(
        0.5
    )  # the broken one has ended itself by now, having acknowledged what it has not stored
    await installation.gateway.kill()
    await installation.mend()


_SLEEPY = Plan(postgres={"synchronous_commit": "off", "wal_writer_delay": "10s"})


@dataclass(frozen=True, slots=True)
class Trap:
    """How a variant is caught."""

    story: Callable[[Rig], Awaitable[None]]
    plan: Plan = field(default_factory=Plan)


TRAPS: dict[str, Trap] = {
    "acknowledge_before_commit": Trap(database_and_gateway_die, Plan(habits=_NO_SPOOL)),
    "receipt_before_commit": Trap(database_and_gateway_die),
    "commit_without_waiting": Trap(database_dies, _SLEEPY),
    "key_without_tenant": Trap(nothing_happens),
    "no_dedupe": Trap(gateway_dies_before_it_acknowledges),
    "quality_of_service_two": Trap(gateway_dies, Plan(habits=Habits(spool=False, qos=2))),
    "stale_acknowledgement": Trap(
        broker_forgets_while_a_batch_is_stored, Plan(habits=_NO_SPOOL, wiped=True, devices=6)
    ),
}


async def sprung(folder: Path, name: str, *, seed: int, variant: str | None = None) -> dict[str, object]:
    """Run a variant (by default the one that the trap is for) into its trap; return what the audit says."""
    trap = TRAPS[name]
    entry = ("-m", "benchmarks.faults.variants", variant or name)
    async with rig(folder, replace(trap.plan, entry=entry, seed=seed)) as installation:
        await trap.story(installation)
        await installation.settle()
        found = await installation.audit(readings=False)
    return {"variant": variant or name, "seed": seed, **found.shown()}


async def every_variant(folder: Path, *, seed: int) -> dict[str, object]:
    """Spring every trap on its variant, which must be caught, and on the program as it is, which must not.

    But for `commit_without_waiting`: such a database the program as it is refuses.
    """
    caught, sound = {}, {}
    for name, trap in TRAPS.items():
        figures = await sprung(_below(folder, name), name, seed=seed)
        caught[name] = not figures["clean"]
        if trap.plan is not _SLEEPY:
            figures = await sprung(_below(folder, f"{name}-not"), name, seed=seed, variant="nothing")
            sound[name] = figures["clean"]
    return {"caught": caught, "sound": sound, "clean": all(caught.values()) and all(sound.values())}


def _below(folder: Path, name: str) -> Path:
    place = folder / name
    place.mkdir()
    place.chmod(0o755)
    return place
