"""The composition root: everything that runs is put together here, read from top to bottom.

Nesting order is start order, leaving is stop order. It starts inside a test as it does in production; the
command line only adds signals.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

import structlog

from config.goal_measures import MEASURES
from config.metrics import serve_metrics
from config.readiness import readiness_of
from config.reports import report_jobs
from config.settings import Settings
from dashboard.app import serve, web_app
from dashboard.pages.demo_desk import Desk
from gateway.service import Gateway
from services.availability.rolling import DayCounter
from services.goals.judging import GoalKeeper
from services.log.follow import Reading
from services.log.retention import Retention
from services.log.worker import Worker
from services.runtime.clock import Clock, now
from services.runtime.tasks import backoff_s, describe, running
from services.status.reading import StatusReading
from services.storage.database import STATEMENT_S, UNREACHABLE, Database
from services.storage.safety import refuse_unsafe
from services.usage.reading import UsageReading

log = structlog.get_logger()

# To add a reading: its line here (docs/recipes.md).
READINGS: tuple[Reading, ...] = (StatusReading(), UsageReading())


class Part(StrEnum):
    """What a process of an installation does; one process may do it all."""

    GATEWAY = "gateway"
    WORKER = "worker"
    WEB = "web"


class NotConfigured(Exception):
    """A setting that is needed here is not set."""


@dataclass(frozen=True, slots=True)
class Running:
    """What is up: the gateway, the address of the web face, and that of the metrics, where this process has them."""

    gateway: Gateway | None
    address: str | None
    metrics: str | None


@asynccontextmanager
async def bypunkt(
    settings: Settings,
    *,
    parts: Collection[Part] = tuple(Part),
    clock: Clock = now,
    desk: Desk | None = None,
) -> AsyncIterator[Running]:
    """Run the given parts for as long as this is open; only a demo has a `desk`.

    Waits for a database that is away; raises `UnsafeDatabase` or `MigrationError` for one that must not be used.
    """
    async with AsyncExitStack() as stack:
        # Before the database: a process that waits for it is alive, and says so.
        metrics = await stack.enter_async_context(serve_metrics(settings.metrics))
        database = await stack.enter_async_context(open_database(settings))
        await _until_fit(database)
        if Part.WORKER in parts:
            worker = Worker(database, READINGS, clock=clock)
            names = [reading.name for reading in READINGS]
            retention = Retention(database, settings.retention, readings=names, clock=clock)
            days = DayCounter(database, clock=clock)
            await stack.enter_async_context(
                running({"worker": worker.run, "retention": retention.run, "days": days.run})
            )
            goals = GoalKeeper(database, measures=MEASURES, clock=clock)
            await stack.enter_async_context(running({"goals": goals.run}))
            await stack.enter_async_context(running(report_jobs(database, settings.reports, clock=clock)))
        gateway = Gateway(database, settings.mqtt, clock=clock) if Part.GATEWAY in parts else None
        if gateway is not None:
            await stack.enter_async_context(running({"gateway": gateway.run}))
        address = None
        if Part.WEB in parts:
            names = [reading.name for reading in READINGS]
            readiness = readiness_of(database, readings=names, clock=clock)
            app = web_app(
                database,
                options=settings.web,
                clock=clock,
                readiness=readiness,
                desk=desk,
                retention=settings.retention,
            )
            address = await stack.enter_async_context(
                serve(app, host=settings.web.host, port=settings.web.port)
            )
        names = [str(part) for part in Part if part in parts]
        log.info("started", parts=names, address=address, metrics=metrics)
        yield Running(gateway, address, metrics)
        log.info("stopping")


@asynccontextmanager
async def open_database(
    settings: Settings, *, statement_s: float | None = STATEMENT_S
) -> AsyncIterator[Database]:
    """Open the run-time database; raises `NotConfigured` when the settings name none."""
    url = secret_named("BYPUNKT_DATABASE__URL_FILE", settings.database.address)
    if url is None:
        raise NotConfigured("BYPUNKT_DATABASE__URL is not set: name the PostgreSQL database, postgresql://…")
    async with Database.open(
        url, connections=settings.database.connections, statement_s=statement_s
    ) as database:
        yield database


def secret_named(setting: str, read: Callable[[], str | None]) -> str | None:
    """Read a secret that may stand in a file; raises `NotConfigured` with the setting's name."""
    try:
        return read()
    except OSError as error:
        raise NotConfigured(f"{setting}: {error.filename}: {error.strerror}") from None


async def _until_fit(database: Database) -> None:
    attempt = 0
    while True:
        try:
            return await refuse_unsafe(database)
        except UNREACHABLE as error:
            attempt += 1
            log.warning("database_unreachable", error=describe(error), attempt=attempt)
            await asyncio.sleep(backoff_s(attempt, most=5.0))
