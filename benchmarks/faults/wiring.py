"""How the parts of a rig find each other: straight, or through proxies that can break."""

import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from benchmarks.faults.proxy import Proxy
from gateway.embedded import Mosquitto
from services.storage.embedded import EmbeddedPostgres

LOGIN = "bypunkt_app"


@dataclass(frozen=True, slots=True)
class Wiring:
    """Where devices find the broker, and what the program's processes are told; the proxies in that order."""

    devices: tuple[str, int]
    env: dict[str, str]
    proxies: Sequence[Proxy] = ()


def straight(postgres: EmbeddedPostgres, mosquitto: Mosquitto) -> Wiring:
    """Everybody is connected to the servers themselves."""
    address = mosquitto.host, mosquitto.port
    return Wiring(address, environment(postgres.dsn(user=LOGIN), address))


async def proxied(
    stack: AsyncExitStack, folder: Path, *, postgres: EmbeddedPostgres, mosquitto: Mosquitto
) -> Wiring:
    """A proxy each for the devices, for the gateway's way to the broker, and for its way to PostgreSQL."""
    dsn = postgres.dsn(user=LOGIN)
    parts = parse_qs(urlsplit(dsn).query)
    (home,), (port,) = parts["host"], parts["port"]
    name = f".s.PGSQL.{port}"
    devices = await stack.enter_async_context(Proxy.to(mosquitto.host, mosquitto.port))
    gateway = await stack.enter_async_context(Proxy.to(mosquitto.host, mosquitto.port))
    database = await stack.enter_async_context(Proxy.to_socket(Path(home, name), at=folder / name))
    through = dsn.replace(quote(home, safe="/"), quote(str(folder), safe="/"))
    return Wiring(devices.address, environment(through, gateway.address), (devices, gateway, database))


def environment(url: str, broker: tuple[str, int]) -> dict[str, str]:
    """What a process of the program is told."""
    host, port = broker
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("BYPUNKT_")},
        "BYPUNKT_DATABASE__URL": url,
        "BYPUNKT_MQTT__HOST": host,
        "BYPUNKT_MQTT__PORT": str(port),
        "BYPUNKT_MQTT__CANARY_S": "1",
    }
