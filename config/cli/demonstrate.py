"""`bypunkt demo`: a broker, a database, eleven municipalities and their devices, on this machine, now."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from config import demo, logs
from config.cli.base import run_until_stopped
from config.settings import LogOptions


class Broker(StrEnum):
    """The brokers that the demo can start."""

    MOSQUITTO = "mosquitto"
    AMQTT = "amqtt"


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("demo")(demonstrate)


def demonstrate(
    seconds: Annotated[
        float | None, typer.Option(help="End after this long; otherwise on Ctrl-C.", min=0)
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port of the web face (8080, or a free one).", min=1)
    ] = None,
    mqtt_port: Annotated[
        int | None, typer.Option(help="Port of the broker (1883, or a free one).", min=1)
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Keep the data here; otherwise it is thrown away.")
    ] = None,
    municipalities: Annotated[str, typer.Option(help="`all`, or codes with commas between.")] = "all",
    speed: Annotated[
        float, typer.Option(help="How much faster than life the villages live.", min=1, max=600)
    ] = 60,
    broker: Annotated[
        Broker | None, typer.Option(help="Which broker to start; otherwise what is there.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show the program's log.")] = False,
) -> None:
    """Try bypunkt: everything on this machine, with simulated villages, and nothing left behind."""
    logs.set_up(LogOptions(level="info" if verbose else "error"))
    plan = demo.Plan(
        seconds=seconds,
        port=port,
        mqtt_port=mqtt_port,
        data=data,
        municipalities=None
        if municipalities == "all"
        else {code.strip() for code in municipalities.split(",")},
        speed=speed,
        broker=broker.value if broker else None,
    )
    run_until_stopped(demo.run(plan))
