"""`bypunkt simulate`: a steady stream of events from registered devices, to see what an installation can take."""

import asyncio
from contextlib import suppress
from typing import Annotated

import typer

from config.app import open_database
from config.cli.base import municipality_codes, run_until_stopped, settings_for_command
from config.failures import CommandFailed
from config.settings import Settings
from gateway.simulator import BrokerAddress, Load
from services.storage.database import Role, Tenants
from services.tenants.devices import every_device


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(simulate)


def simulate(
    devices: Annotated[
        int, typer.Option(help="How many of the registered, synthetic devices to play.", min=1)
    ] = 34,
    rate: Annotated[float, typer.Option(help="Events a second, all devices together.", min=0.1)] = 10,
    seconds: Annotated[
        float | None, typer.Option(help="End after this long; otherwise on Ctrl-C.", min=0)
    ] = None,
) -> None:
    """Play registered devices that are marked as synthetic, at a steady rate."""
    run_until_stopped(_simulate(settings_for_command(), devices, rate, seconds))


async def _simulate(settings: Settings, count: int, rate: float, seconds: float | None) -> None:
    pairs = await _synthetic(settings, count)
    options = settings.mqtt
    broker = BrokerAddress(
        host=options.host,
        port=options.port,
        username=options.username.format(lane="simulate") if options.username else None,
        password=options.secret(),
        protocol=options.protocol,
    )
    load = Load(pairs, broker=broker, rate=rate)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await load.run()
    finally:
        print(
            f"{load.sent} events sent, {load.acknowledged} acknowledged by the broker, "
            f"{load.receipted} receipted as stored"
        )


async def _synthetic(settings: Settings, count: int) -> list[tuple[str, str]]:
    async with open_database(settings) as database:
        codes = await municipality_codes(database)
        async with database.transaction(Role.WEB, Tenants(codes)) as connection:
            rows = [row for row in await every_device(connection) if row["synthetic"]]
    if len(rows) < count:
        raise CommandFailed(
            f"only {len(rows)} synthetic devices are registered: `bypunkt import` a file with more, or lower --devices"
        )
    return [(row["municipality"], row["id"]) for row in rows[:count]]
