"""`bypunkt device credentials` and `bypunkt broker accounts`: what devices, and bypunkt itself, sign in with."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from config.app import NotConfigured, open_database, secret_named
from config.checks import rights_advice
from config.cli.base import AsJson, municipality_codes, run, settings_for_command, show
from config.failures import CommandFailed
from config.shelf import write_whole
from gateway.options import MqttOptions
from gateway.rights import broker_store, passwords
from gateway.rights.control import ControlFailed
from gateway.rights.keeper import every_account
from services.log.lanes import lane_count
from services.storage.database import Database, Role, Tenants
from services.tenants.credentials import DeviceAccount, live_password
from services.tenants.devices import device_named


def add_to(app: typer.Typer, devices: typer.Typer) -> None:
    """Register the commands."""
    devices.command("credentials")(credentials)
    broker = typer.Typer(help="The MQTT broker's accounts.", no_args_is_help=True)
    app.add_typer(broker, name="broker")
    broker.command("accounts")(accounts)


def credentials(
    device: Annotated[str, typer.Argument(help="The device's name.")],
    rotate: Annotated[
        bool, typer.Option("--rotate", help="A new password in place of the present one.")
    ] = False,
    revoke: Annotated[
        bool, typer.Option("--revoke", help="Take the password away; the device is cut off.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Give a device a password for the broker, shown this once, or take it away."""
    if rotate and revoke:
        raise typer.BadParameter("--rotate and --revoke exclude each other")
    if revoke:
        run(_revoke(device))
        if as_json:
            show([{"device": device, "password": None}], as_json=True, empty="")
        else:
            print(f"device {device} has no password any more; a running gateway cuts it off at once")
        return
    facts = run(_give(device, rotate=rotate))
    rows = [facts] if as_json else [{"what": name, "value": value} for name, value in facts.items()]
    show(rows, as_json=as_json, empty="")
    if not as_json:
        print("The password is not kept and cannot be shown again.")


async def _give(name: str, *, rotate: bool) -> dict[str, object]:
    settings = settings_for_command()
    options = _kept(settings.mqtt)
    async with open_database(settings) as database:
        device = await _device(database, name)
        if device.lifecycle == "retired":
            raise CommandFailed(f"device {name} is retired, for good: register a new one under another name")
        if device.generation is not None and not rotate:
            raise CommandFailed(
                f"device {name} has a password already, which cannot be shown: --rotate makes a new one"
            )
        try:
            generation, password = await passwords.give(database, options, device)
        except ControlFailed as error:
            raise CommandFailed(f"no new password: {rights_advice(error)}") from None
    return {
        "device": name,
        "municipality": device.municipality,
        "username": name,
        "password": password,
        "number": generation,
    }


async def _revoke(name: str) -> None:
    settings = settings_for_command()
    async with open_database(settings) as database:
        device = await _device(database, name)
        if not await passwords.take(database, device):
            raise CommandFailed(f"device {name} has no password")


async def _device(database: Database, name: str) -> DeviceAccount:
    async with database.transaction(Role.WEB, Tenants(await municipality_codes(database))) as connection:
        row = await device_named(connection, name)
        live = await live_password(connection, row["municipality"], name)
    return DeviceAccount(
        row["municipality"], name, row["lifecycle"], generation=live.generation if live else None
    )


def _kept(options: MqttOptions) -> MqttOptions:
    """Return the options; raises `NotConfigured` when nobody is to keep the broker's accounts."""
    if options.rights_username is None:
        raise NotConfigured(
            "BYPUNKT_MQTT__RIGHTS_USERNAME is not set: passwords of devices are made where bypunkt keeps the broker's "
            "accounts (docs/broker.md)"
        )
    secret_named("BYPUNKT_MQTT__RIGHTS_PASSWORD_FILE", options.rights_secret)
    return options


def accounts(
    output: Annotated[
        Path | None, typer.Option(help="The file to write; standard output if not given.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Write over the file when it is there.")] = False,
    reader_password_file: Annotated[
        Path | None, typer.Option(help="Add the account that reads all states, with this file's password.")
    ] = None,
) -> None:
    """Write the store of Mosquitto's dynamic security anew, from the database and the settings."""
    text = run(_accounts(reader_password_file))
    if output is None:
        sys.stdout.write(text)
        return
    try:
        if output.exists() and not replace:
            raise CommandFailed(
                f"{output} is there already: stop the broker, then write over it with --replace"
            )
        write_whole(output, text.encode())  # half a store would lock everybody out
    except OSError as error:
        raise CommandFailed(f"{output} cannot be written: {error.strerror}") from None
    print(f"{output} is written: give it to the user that the broker runs as, and start the broker")


async def _accounts(reader: Path | None) -> str:
    settings = settings_for_command()
    options = _kept(settings.mqtt)
    rights = options.rights_secret()
    lanes = secret_named("BYPUNKT_MQTT__PASSWORD_FILE", options.secret)
    if not rights or not lanes:
        raise NotConfigured(
            "BYPUNKT_MQTT__RIGHTS_PASSWORD_FILE and BYPUNKT_MQTT__PASSWORD_FILE have to name bypunkt's own passwords"
        )
    readers = secret_named("--reader-password-file", lambda: reader.read_text().strip() if reader else None)
    if readers == "":
        raise CommandFailed(f"{reader} is empty: it has to hold the reader's password")
    async with open_database(settings) as database:
        return broker_store(
            rights_password=rights,
            lanes_password=lanes,
            reader_password=readers,
            lanes=await lane_count(database),
            devices=await every_account(database),
        )
