"""`bypunkt device`: add, list, show, suspend, resume and retire devices."""

from collections.abc import Callable
from typing import Annotated

import typer
from pydantic import ValidationError

from config.app import open_database
from config.cli import credentials
from config.cli.base import AsJson, every_municipality, municipality_codes, run, settings_for_command, show
from config.failures import CommandFailed
from services.status.store import device_states
from services.storage.database import Role, Tenants
from services.tenants.devices import device_named, every_device, move
from services.tenants.importing import Imported, import_registry
from services.tenants.models import Lifecycle, RegistryFile

DeviceId = Annotated[str, typer.Argument(help="The device's name.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    devices = typer.Typer(
        help="Devices: add, list, show, credentials, suspend, resume, retire.", no_args_is_help=True
    )
    app.add_typer(devices, name="device")
    devices.command("add")(add)
    devices.command("list")(list_devices)
    devices.command("show")(show_device)
    credentials.add_to(app, devices)
    for name, lifecycle in (("suspend", "suspended"), ("resume", "active"), ("retire", "retired")):
        devices.command(name, help=_HELP[name])(_mover(lifecycle))  # type: ignore[arg-type]


_HELP = {
    "suspend": "Refuse a device's messages until it is resumed; they are counted, not stored.",
    "resume": "Take a suspended device's messages in again.",
    "retire": "Take a device out of use for good; its name is never given again.",
}


def add(
    device: DeviceId,
    kind: Annotated[
        str, typer.Option(help="hotspot, kiosk, tracker, loan_computer, locker, ground_station, gateway.")
    ],
    municipality: Annotated[str, typer.Option(help="Four-digit code of the municipality.")],
    point: Annotated[str | None, typer.Option(help="The service point that it stands at.")] = None,
    interval: Annotated[int, typer.Option(help="Seconds between its heartbeats.")] = 60,
) -> None:
    """Register a device."""
    record = {
        "id": device,
        "kind": kind,
        "municipality": municipality,
        "point": point,
        "expected_interval_s": interval,
    }
    try:
        registry = RegistryFile.model_validate({"devices": [record]})
    except ValueError as error:
        raise CommandFailed("; ".join(_reasons(error))) from None
    run(_add(registry))
    print(f"device {device} is registered: it publishes to bypunkt/v1/{municipality}/{device}/<event type>")


async def _add(registry: RegistryFile) -> Imported:
    async with open_database(settings_for_command()) as database:
        codes = await municipality_codes(database)
        async with database.transaction(Role.WEB, Tenants(codes)) as connection:
            taken = {(row["municipality"], row["id"]) for row in await every_device(connection)}
        for device in registry.devices:
            if (device.municipality, device.id) in taken:
                raise CommandFailed(
                    f"device {device.id} is registered already: bypunkt device show {device.id}"
                )
        return await import_registry(database, registry)


def _reasons(error: ValueError) -> list[str]:
    if isinstance(error, ValidationError):
        return [f"{problem['loc'][-1]}: {problem['msg']}" for problem in error.errors()]
    return [str(error)]


def list_devices(as_json: AsJson = False) -> None:
    """List all devices."""
    show(run(_devices()), as_json=as_json, empty="no device is registered")


async def _devices() -> list[dict[str, object]]:
    async with every_municipality() as connection:
        return [dict(row) for row in await every_device(connection)]


def show_device(device: DeviceId, as_json: AsJson = False) -> None:
    """Show what is known of a device, and its state."""
    facts = run(_device(device))
    rows = [facts] if as_json else [{"what": name, "value": value} for name, value in facts.items()]
    show(rows, as_json=as_json, empty="")


async def _device(device: str) -> dict[str, object]:
    async with every_municipality() as connection:
        row = dict(await device_named(connection, device))
        states = await device_states(connection, [row["municipality"]])
    state = next(state for state in states if state["device"] == device)
    return {**row, **{name: state[name] for name in ("state", "reason", "since", "last_sign_at")}}


def _mover(lifecycle: Lifecycle) -> Callable[[str], None]:
    def command(device: DeviceId) -> None:
        run(_move(device, lifecycle))
        print(f"device {device} is {lifecycle}")

    return command


async def _move(device: str, lifecycle: Lifecycle) -> None:
    async with every_municipality() as connection:
        await move(connection, device, lifecycle)
