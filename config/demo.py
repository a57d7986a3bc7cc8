"""The demo: the real parts, small, on loopback; the municipalities are real, everything in them is made up."""

import asyncio
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from typing import Literal

from pydantic import SecretStr
from rich.console import Console
from rich.markup import escape

from config.app import bypunkt
from config.desk import DemoDesk, Servers
from config.settings import Settings
from dashboard.options import WebOptions
from dashboard.pages import demo_desk
from gateway.embedded import Amqtt, EmbeddedBroker, embedded_broker
from gateway.options import MqttOptions
from gateway.service import Gateway
from gateway.simulator import BrokerAddress, FaultKind, Fleet, SimulatedDevice, StagedFault, rhythm_s
from gateway.topics import NativeTopic
from services.runtime.tasks import running
from services.storage.database import Connection, Database, Installation, Role
from services.storage.embedded import EmbeddedPostgres
from services.storage.migrate import migrate
from services.storage.options import DatabaseOptions
from services.tenants import people
from services.tenants.access import PersonRole
from services.tenants.importing import import_registry, read_registry
from services.tenants.models import RegistryFile

HOST = "127.0.0.1"
WEB_PORT, MQTT_PORT = 8080, 1883
# Known to everybody on purpose: the demo listens on this machine only, and its data is made up.
PASSWORD = "bypunkt-demo"  # noqa: S105
ADMIN = "demo"
_SEEING_WITHIN_S = 10.0
# So that everybody who looks sees an outage, and a device that was cut off and tells afterwards what happened.
STAGED = (
    StagedFault(device="hs-tannaker-1", kind=FaultKind.POWER_CUT, after_s=20, for_s=25),
    StagedFault(device="hs-gunnarn-1", kind=FaultKind.UPLINK_LOST, after_s=15, for_s=85),
)


class DemoRefused(ValueError):
    """The demo cannot be run as asked; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the demo was asked for."""

    seconds: float | None = None
    port: int | None = None
    mqtt_port: int | None = None
    data: Path | None = None
    municipalities: set[str] | None = None
    speed: float = 60
    agents: int = 2
    broker: Literal["mosquitto", "amqtt"] | None = None


async def run(plan: Plan) -> None:
    """Run the demo until cancelled, or for `plan.seconds`; leaves no process, and no file but in `plan.data`."""
    villages = _villages(plan)
    registry = _at_speed(villages, plan.speed)
    async with AsyncExitStack() as stack:
        directory = plan.data or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="bypunkt-demo-"))
        )
        if not directory.exists():
            directory.mkdir(parents=True)
        if plan.data is None:
            directory.chmod(0o755)  # the database server may run as another user
        broker = await stack.enter_async_context(_broker(plan, directory / "broker"))
        postgres = await stack.enter_async_context(EmbeddedPostgres(directory / "postgres"))
        await migrate(postgres.dsn())
        settings = _settings(plan, broker, postgres.dsn(user="bypunkt_app"))
        await _prepare(settings, registry)
        fleet = _fleet(plan, villages, broker=broker, directory=directory / "agents")
        desk = DemoDesk(fleet, Servers(broker=broker, database=postgres), registry)
        up = await stack.enter_async_context(bypunkt(settings, desk=desk))
        await _until_seeing(up.gateway)
        await stack.enter_async_context(running({"simulator": fleet.run, "desk": desk.run}))
        _welcome(up.address or "", broker, registry)
        await asyncio.sleep(plan.seconds) if plan.seconds is not None else await asyncio.Event().wait()


def _villages(plan: Plan) -> RegistryFile:
    with as_file(files("config").joinpath("villages/demo.json")) as path:
        whole = read_registry(path)
    points = [
        point
        for point in whole.service_points
        if plan.municipalities is None or point.municipality in plan.municipalities
    ]
    homes = {point.id: point.municipality for point in points}
    devices = [
        device.model_copy(update={"municipality": home})
        for device in whole.devices
        if (home := homes.get(device.point or ""))
    ]
    chosen = [
        record
        for record in whole.municipalities
        if plan.municipalities is None or record.code in plan.municipalities
    ]
    if plan.municipalities and (unknown := plan.municipalities - {record.code for record in chosen}):
        known = ", ".join(f"{record.code} {record.name}" for record in whole.municipalities)
        raise DemoRefused(
            f"there is no municipality {', '.join(sorted(unknown))} in the demo; there are {known}"
        )
    codes = {record.code for record in chosen}
    goals = [goal for goal in whole.goals if goal.municipality in codes]
    return whole.model_copy(
        update={"municipalities": chosen, "service_points": points, "devices": devices, "goals": goals}
    )


def _at_speed(registry: RegistryFile, speed: float) -> RegistryFile:
    """Expect devices as often as they report when their village lives faster."""
    devices = [
        device.model_copy(update={"expected_interval_s": rhythm_s(device.expected_interval_s, speed)})
        for device in registry.devices
    ]
    return registry.model_copy(update={"devices": devices})


async def _until_seeing(gateway: Gateway | None) -> None:
    """Wait for every lane's first canary: before it has subscribed, the broker keeps nothing for it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_SEEING_WITHIN_S):
            while gateway is not None and not gateway.seeing:  # noqa: ASYNC110 - many lanes, no one event
                await asyncio.sleep(0.02)


@asynccontextmanager
async def _broker(plan: Plan, directory: Path) -> AsyncIterator[EmbeddedBroker]:
    port = plan.mqtt_port or (MQTT_PORT if _is_free(MQTT_PORT) else 0)
    async with embedded_broker(directory, port=port, prefer=plan.broker) as broker:
        yield broker


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _protocol(broker: EmbeddedBroker) -> Literal["auto", "3.1.1"]:
    # amqtt leaves a CONNECT of MQTT 5 without an answer, so asking for it only costs a second.
    return "3.1.1" if isinstance(broker, Amqtt) else "auto"


def _settings(plan: Plan, broker: EmbeddedBroker, url: str) -> Settings:
    return Settings.model_construct(
        database=DatabaseOptions(url=SecretStr(url)),
        mqtt=MqttOptions(host=HOST, port=broker.port, canary_s=2, strays=True, protocol=_protocol(broker)),
        web=WebOptions(host=HOST, port=plan.port or (WEB_PORT if _is_free(WEB_PORT) else 0)),
    )


async def _prepare(settings: Settings, registry: RegistryFile) -> None:
    url = settings.database.address() or ""
    async with Database.open(url, connections=2) as database:
        await import_registry(database, registry)
        async with database.transaction(Role.WEB, Installation()) as connection:
            await _add_person(connection, ADMIN, PersonRole.INSTALLATION_ADMIN, None)
            for record in registry.municipalities:
                await _add_person(connection, record.code, PersonRole.TECHNICIAN, record.code)


async def _add_person(connection: Connection, login: str, role: PersonRole, municipality: str | None) -> None:
    if await people.find(connection, login) is None:
        await people.add(connection, login, role=role, municipality=municipality, password=PASSWORD)


def _fleet(plan: Plan, villages: RegistryFile, *, broker: EmbeddedBroker, directory: Path) -> Fleet:
    directory.mkdir(mode=0o700, exist_ok=True)
    devices = [
        SimulatedDevice(
            municipality=device.municipality or "",
            id=device.id,
            kind=device.kind,
            point=device.point,
            expected_interval_s=device.expected_interval_s,
        )
        for device in villages.devices
    ]
    staged = [fault for fault in STAGED if fault.device in {device.id for device in devices}]
    return Fleet(
        devices,
        broker=BrokerAddress(host=HOST, port=broker.port, protocol=_protocol(broker)),
        speed=plan.speed,
        staged=staged,
        agents=plan.agents,
        directory=directory,
    )


def _welcome(address: str, broker: EmbeddedBroker, registry: RegistryFile) -> None:
    say = partial(Console(highlight=False, soft_wrap=True).print, markup=True)
    hotspot = next(device for device in registry.devices if device.kind == "hotspot")
    topic = NativeTopic(hotspot.municipality or "", hotspot.id, "wifi.usage").topic
    payload = '{"data": {"iface": "wlan0", "ssid": "by", "clients": 42, "interval_s": 60}}'
    say(f"""
[bold]bypunkt demo[/bold]: {len(registry.municipalities)} municipalities; every device and figure is made up

  public page   {address}/
  staff pages   {address}/staff   sign in as [bold]{ADMIN}[/bold] with [bold]{PASSWORD}[/bold]
                (or as one municipality's technician: its code, {registry.municipalities[0].code} for example)
  MQTT broker   {broker.url}   ({type(broker).__name__}, for this machine only)

Be a device yourself, and watch it on the staff pages:
  mosquitto_pub -p {broker.port} -q 1 -t {topic} -m '{escape(payload)}'

Break something, and watch it heal by itself:
  {address}{demo_desk.PAGE}   (as {ADMIN}: power, uplink, clock, broker, database, a day in July)
  kill -9 {broker.pid}   the broker, from a terminal; it is back after 20 s

Ctrl-C ends it.""")
