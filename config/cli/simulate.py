"""`bypunkt simulate`: registered devices at the configured broker, as a stream or as villages; or their past."""

import asyncio
import resource
import ssl
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from config.app import READINGS, open_database
from config.cli.base import municipality_codes, run, run_until_stopped, settings_for_command
from config.failures import CommandFailed
from config.settings import Settings
from gateway.mqtt import Session, SessionOptions
from gateway.simulator import (
    VILLAGE_ZONE,
    BrokerAddress,
    Fleet,
    HistoryWriter,
    Load,
    Past,
    SimulatedDevice,
    Written,
)
from services.runtime.clock import now
from services.runtime.tasks import running
from services.storage.database import Role, Tenants
from services.tenants.devices import every_device

STEADY_RATE = 10.0
_PLAYED = 34
_TELL_EVERY_S = 10.0
_REACHED_WITHIN_S = 10.0
_FILES_A_DEVICE, _FILES_AN_AGENT, _FILES = 4, 12, 200


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(simulate)


def simulate(
    devices: Annotated[
        int | None,
        typer.Option(
            help="How many of the registered, synthetic devices to play (34; with --history all).", min=1
        ),
    ] = None,
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
    history: Annotated[
        str,
        typer.Option(
            help="Write a past into the log instead: of so many days until now, or 2025-10-19/2026-11-23."
        ),
    ] = "",
    municipalities: Annotated[str, typer.Option(help="`all`, or codes with commas between.")] = "all",
) -> None:
    """Play registered devices that are marked as synthetic."""
    if rate is not None and speed is not None:
        raise typer.BadParameter("--rate is a steady stream and --speed living villages: choose one")
    if agents and speed is None:
        raise typer.BadParameter("--agents need --speed: a steady stream has no devices that live")
    if history and not (rate is speed is seconds is None):
        raise typer.BadParameter("--history is written at once: it has no --rate, --speed or --seconds")
    codes = None if municipalities == "all" else {code.strip() for code in municipalities.split(",")}
    span = _span(history, now()) if history else None
    settings = settings_for_command()
    if span is not None:
        run(_history(settings, span, _Chosen(devices, codes), seed=seed))
        return
    chosen = _Chosen(devices or _PLAYED, codes)
    if speed is None:
        run_until_stopped(_stream(settings, chosen, rate=rate or STEADY_RATE, seed=seed, seconds=seconds))
    else:
        run_until_stopped(_villages(settings, chosen, speed=speed, agents=agents, seed=seed, seconds=seconds))


@dataclass(frozen=True, slots=True)
class _Chosen:
    """How many devices (None: all), of which municipalities (None: all)."""

    count: int | None
    codes: set[str] | None = None


@dataclass(frozen=True, slots=True)
class _Span:
    """The whole days of a past, and when it ends."""

    days: int
    until: datetime


def _span(text: str, at: datetime) -> _Span:
    """Read so many days until now, or local dates, `2025-10-19/2026-11-23T18:00`: from a midnight until a moment."""
    try:
        if text.isdecimal():
            span = _Span(int(text), at.replace(second=0, microsecond=0))
        else:
            first, _, last = text.partition("/")
            until = datetime.fromisoformat(last)
            until = until if until.tzinfo else until.replace(tzinfo=VILLAGE_ZONE)
            days = (until.astimezone(VILLAGE_ZONE).date() - date.fromisoformat(first)).days
            span = _Span(days, until.astimezone(at.tzinfo))
    except ValueError:
        raise typer.BadParameter(
            f"--history {text}: so many days (400), or from one day until another (2025-10-19/2026-11-23)"
        ) from None
    if span.days < 1 or span.until > at:
        raise typer.BadParameter(f"--history {text}: a past is a day long or longer, and is over")
    return span


async def _history(settings: Settings, span: _Span, chosen: _Chosen, *, seed: int) -> None:
    kept = timedelta(days=settings.retention.standard_days)
    devices = await _synthetic(settings, chosen)
    past = Past.before(span.until, devices, seed=seed, days=span.days)
    if past.since < now() - kept:
        raise CommandFailed(
            f"the log keeps events for {kept.days} days: what is older would be let go of at once; lower --history, "
            "or raise BYPUNKT_RETENTION__STANDARD_DAYS"
        )
    # A year of events takes as long as it takes.
    async with open_database(settings, statement_s=None) as database:
        writer = HistoryWriter(database, past, until=span.until)
        await writer.examine()
        async with running({"progress": partial(_tell, writer.written)}):
            written = await writer.write(READINGS, clock=now)
    first, last = (at.astimezone(VILLAGE_ZONE) for at in (past.since, written.until))
    print(f"{written.events} events of {len(devices)} devices, {written.new} of them new")
    if past.cut_off is not None:
        place, trouble = past.cut_off
        print(f"cut off for a week: {place}, from {_local(trouble.starts_at)}")
    print(f"blind: {', '.join(f'{_local(a)} to {_local(b)}' for a, b in past.blind)}")
    print(f"the same again: --history {first:%Y-%m-%d}/{last:%Y-%m-%dT%H:%M} --seed {seed}")


async def _tell(written: Written) -> None:
    """Say every few seconds how far it is: a year takes minutes."""
    while True:
        await asyncio.sleep(_TELL_EVERY_S)
        print(f"{written.events} events, {written.new} of them new …", file=sys.stderr)


def _local(at: datetime) -> str:
    return f"{at.astimezone(VILLAGE_ZONE):%Y-%m-%d %H:%M}"


async def _stream(
    settings: Settings, chosen: _Chosen, *, rate: float, seed: int, seconds: float | None
) -> None:
    devices = await _synthetic(settings, chosen)
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
    settings: Settings, chosen: _Chosen, *, speed: float, agents: int, seed: int, seconds: float | None
) -> None:
    _make_room(_FILES + _FILES_A_DEVICE * (chosen.count or 0) + _FILES_AN_AGENT * agents)
    devices = await _synthetic(settings, chosen)
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


async def _synthetic(settings: Settings, chosen: _Chosen) -> Sequence[SimulatedDevice]:
    async with open_database(settings) as database:
        codes = await municipality_codes(database)
        if strange := (chosen.codes or set()) - set(codes):
            raise CommandFailed(
                f"no municipality {', '.join(sorted(strange))} is registered: there are {', '.join(codes)}"
            )
        async with database.transaction(Role.WEB, Tenants(codes)) as connection:
            rows = [
                row
                for row in await every_device(connection)
                if row["synthetic"]
                and row["lifecycle"] in ("registered", "active")
                and (chosen.codes is None or row["municipality"] in chosen.codes)
            ]
    if len(rows) < (chosen.count or 1):
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
        for row in rows[: chosen.count]
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
