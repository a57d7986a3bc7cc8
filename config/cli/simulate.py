"""`bypunkt simulate`: registered devices at the configured broker, as a steady stream or as villages that live."""

import asyncio
import resource
import ssl
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from config.app import open_database
from config.cli.base import municipality_codes, run_until_stopped, settings_for_command
from config.failures import CommandFailed
from config.settings import Settings
from gateway.mqtt import Session, SessionOptions
from gateway.simulator import BrokerAddress, Fleet, Load, SimulatedDevice
from services.storage.database import Role, Tenants
from services.tenants.devices import every_device

STEADY_RATE = 10.0
_REACHED_WITHIN_S = 10.0
_FILES_A_DEVICE, _FILES_AN_AGENT, _FILES = 4, 12, 200


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(simulate)


def simulate(
    devices: Annotated[
        int, typer.Option(help="How many of the registered, synthetic devices to play.", min=1)
    ] = 34,
    rate: Annotated[
        float | None,
        typer.Option(help="A steady stream: events a second, all devices together (10).", min=0.1),
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(help="Villages that live instead, so much faster than life.", min=1, max=600),
    ] = None,
    agents: Annotated[
        int, typer.Option(help="How many of them run the real agent; with --speed.", min=0)
    ] = 0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same villages, and stream.")] = 1,
    seconds: Annotated[
        float | None, typer.Option(help="End after this long; otherwise on Ctrl-C.", min=0)
    ] = None,
) -> None:
    """Play registered devices that are marked as synthetic."""
    if rate is not None and speed is not None:
        raise typer.BadParameter("--rate is a steady stream and --speed living villages: choose one")
    if agents and speed is None:
        raise typer.BadParameter("--agents need --speed: a steady stream has no devices that live")
    settings = settings_for_command()
    if speed is None:
        run_until_stopped(_stream(settings, devices, rate=rate or STEADY_RATE, seed=seed, seconds=seconds))
    else:
        run_until_stopped(
            _villages(settings, devices, speed=speed, agents=agents, seed=seed, seconds=seconds)
        )


async def _stream(settings: Settings, count: int, *, rate: float, seed: int, seconds: float | None) -> None:
    devices = await _synthetic(settings, count)
    broker = await _reached(settings)
    load = Load([(one.municipality, one.id) for one in devices], broker=broker, rate=rate, seed=seed)
    try:
        await _for(seconds, load.run)
    finally:
        print(
            f"{load.sent} events sent, {load.acknowledged} acknowledged by the broker, "
            f"{load.receipted} receipted as stored"
        )


async def _villages(
    settings: Settings, count: int, *, speed: float, agents: int, seed: int, seconds: float | None
) -> None:
    _make_room(_FILES + _FILES_A_DEVICE * count + _FILES_AN_AGENT * agents)
    devices = await _synthetic(settings, count)
    broker = await _reached(settings)
    with tempfile.TemporaryDirectory(prefix="bypunkt-agents-") as directory:
        fleet = Fleet(
            devices, broker=broker, seed=seed, speed=speed, agents=agents, directory=Path(directory)
        )
        try:
            await _for(seconds, fleet.run)
        finally:
            print(
                f"{fleet.sent} events taken by the broker, {fleet.receipted} receipted as stored, "
                f"{fleet.refused} refused, {fleet.lost} lost, {fleet.spooled} waiting"
            )


async def _for(seconds: float | None, run: Callable[[], Awaitable[None]]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await run()


async def _synthetic(settings: Settings, count: int) -> Sequence[SimulatedDevice]:
    async with open_database(settings) as database:
        codes = await municipality_codes(database)
        async with database.transaction(Role.WEB, Tenants(codes)) as connection:
            rows = [
                row
                for row in await every_device(connection)
                if row["synthetic"] and row["lifecycle"] in ("registered", "active")
            ]
    if len(rows) < count:
        raise CommandFailed(
            f"only {len(rows)} synthetic devices are registered: `bypunkt import` a file with more, or lower --devices"
        )
    return [
        SimulatedDevice(
            municipality=row["municipality"],
            id=row["id"],
            kind=row["kind"],
            point=row["point"],
            expected_interval_s=row["expected_interval_s"],
        )
        for row in rows[:count]
    ]


async def _reached(settings: Settings) -> BrokerAddress:
    """Return the broker of the settings, which has let us in once."""
    told = settings.mqtt
    try:
        password = told.secret()
    except OSError as error:
        raise CommandFailed(f"BYPUNKT_MQTT__PASSWORD_FILE: {error.filename}: {error.strerror}") from None
    broker = BrokerAddress(
        host=told.host,
        port=told.port,
        username=told.username.format(lane="simulate") if told.username else None,
        password=password,
        protocol=told.protocol,
        tls_ca=told.tls_ca,
    )
    options = SessionOptions(
        host=broker.host,
        port=broker.port,
        client_id="bypunkt-simulate",
        username=broker.username,
        password=broker.password,
        protocol=broker.protocol,
        tls_ca=broker.tls_ca,
        durable=False,
    )
    try:
        session = Session(options)
    except (OSError, ssl.SSLError) as error:
        raise CommandFailed(f"BYPUNKT_MQTT__TLS_CA: {told.tls_ca}: {error.strerror or error}") from None
    async with session:
        try:
            async with asyncio.timeout(_REACHED_WITHIN_S):
                await session.wait_connected()
        except TimeoutError:
            why = f"{session.trouble or 'no answer'} {session.trouble_detail}".strip()
            raise CommandFailed(
                f"cannot use the broker at {told.host}:{told.port} ({why}); `bypunkt check` says what to do"
            ) from None
    return broker


def _make_room(files: int) -> None:
    """Let this process open enough files, as far as the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < files:
        raise CommandFailed(
            f"so many devices need {files} open files, and the system allows {hard}: lower --devices, "
            "or raise the limit (`ulimit -n`)"
        )
    if soft != resource.RLIM_INFINITY and soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
