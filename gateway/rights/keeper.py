"""The job that keeps the broker's accounts and rights equal to the registry.

PostgreSQL is the truth. After a change in the registry, and every half minute without one, what the broker has is
read and compared, and only the difference is told. Of several gateways one works at a time.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import asyncpg
import structlog
from prometheus_client import Counter, Gauge

from gateway.options import MqttOptions
from gateway.rights.control import ControlFailed, control
from gateway.rights.plan import Change, changes, missing
from services.log.lanes import lanes_in_use
from services.runtime.tasks import describe
from services.storage.database import UNREACHABLE, Database, Lane, Public, Role
from services.tenants.credentials import DeviceAccount, device_accounts, take_turn

log = structlog.get_logger()

CHANGES = Counter(
    "bypunkt_broker_accounts_changed_total", "Changes of accounts and rights at the broker", ["what"]
)
MISSING = Gauge(
    "bypunkt_broker_accounts_missing", "Devices with a password whose account the broker lacks or distrusts"
)

EVERY_S = 30.0
TROUBLE_S = 5.0
# Whoever has the turn is done in a moment, or has 20 s of patience with the broker.
BUSY_S = 1.0
# A turn holds a transaction open, so it is kept short: the next one goes on.
CHANGES_A_TURN = 200
_NAMES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Seen:
    """How far the broker is from the registry: accounts of devices, changes that are due, devices without."""

    accounts: int
    due: int
    lacking: list[str]


async def look(database: Database, options: MqttOptions) -> Seen | None:
    """Compare and change nothing; None while somebody else talks with the broker. Raises `ControlFailed`."""
    async with database.transaction(Role.INGEST, Public()) as turn:
        if not await take_turn(turn):
            return None
        devices = await every_account(database)
        async with control(options) as broker:
            found = await broker.found()
    accounts = sum(device.device in found.clients for device in devices)
    return Seen(accounts, len(changes(devices, found)), missing(devices, found))


class RightsKeeper:
    """Compares and tells, until cancelled."""

    def __init__(self, database: Database, options: MqttOptions, *, every_s: float = EVERY_S) -> None:
        self._database = database
        self._options = options
        self._every_s = every_s
        self._changed = asyncio.Event()
        self._trouble = ""
        self._missing: list[str] = []

    def registry_changed(self) -> None:
        """Ask for another look, at once."""
        self._changed.set()

    async def run(self) -> None:
        """Look, tell, wait; what goes wrong is said once, and tried again."""
        while True:
            self._changed.clear()
            pause = await self._turn()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._changed.wait()

    async def _turn(self) -> float:
        """Return how long to wait for the next turn, seconds."""
        try:
            done = await self.keep_equal()
        except (ControlFailed, *UNREACHABLE, asyncpg.PostgresError) as error:
            trouble = str(error) if isinstance(error, ControlFailed) else describe(error)
            say = log.debug if trouble == self._trouble else log.warning
            say("rights_not_kept", detail=trouble)
            self._trouble = trouble
            return min(TROUBLE_S, self._every_s)
        if done is None:
            return BUSY_S
        self._trouble = ""
        # Not at once: whoever waits to give a password has to get a turn between two of ours.
        return BUSY_S if done == CHANGES_A_TURN else self._every_s

    async def keep_equal(self) -> int | None:
        """Have one turn, and return how many changes it made; None when another process has the turn."""
        async with self._database.transaction(Role.INGEST, Public()) as turn:
            if not await take_turn(turn):
                return None
            devices = await every_account(self._database)
            async with control(self._options) as broker:
                found = await broker.found()
                # In a thread: it takes half a second with 10,000 devices, and the intake lives on this loop.
                todo = (await asyncio.to_thread(changes, devices, found))[:CHANGES_A_TURN]
                await broker.tell([change.command for change in todo])
            _say(todo)
            self._say_missing(missing(devices, found))
            return len(todo)

    def _say_missing(self, names: list[str]) -> None:
        MISSING.set(len(names))
        if names and names != self._missing:
            # docs/broker.md says what to do: a new password for each, or the whole store written anew.
            log.warning("broker_accounts_missing", count=len(names), devices=names[:_NAMES_SHOWN])
        self._missing = names


async def every_account(database: Database) -> list[DeviceAccount]:
    """Return every registered device with what it signs in with."""
    accounts: list[DeviceAccount] = []
    for lane in await lanes_in_use(database):
        async with database.transaction(Role.INGEST, Lane(lane)) as connection:
            accounts += await device_accounts(connection)
    return accounts


def _say(done: Sequence[Change]) -> None:
    names: dict[str, list[str]] = defaultdict(list)
    for change in done:
        CHANGES.labels(change.what).inc()
        names[change.what].append(change.name)
    for what, whose in names.items():
        log.info("rights_changed", what=what, count=len(whose), names=whose[:_NAMES_SHOWN])
