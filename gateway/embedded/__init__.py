"""A broker of our own on loopback, for the demo and the tests; an installation uses a real one."""

from pathlib import Path
from typing import Literal

from gateway.embedded.amqtt import Amqtt
from gateway.embedded.broker import BrokerError, EmbeddedBroker
from gateway.embedded.mosquitto import Mosquitto, MosquittoOptions

__all__ = ["Amqtt", "BrokerError", "EmbeddedBroker", "Mosquitto", "MosquittoOptions", "embedded_broker"]


def embedded_broker(
    directory: Path, *, port: int = 0, prefer: Literal["mosquitto", "amqtt"] | None = None
) -> EmbeddedBroker:
    """Mosquitto if it is installed, else amqtt, or the one preferred; to be entered with `async with`."""
    if prefer in (None, "mosquitto") and Mosquitto.installed():
        return Mosquitto(directory, port=port)
    if prefer in (None, "amqtt") and Amqtt.installed():
        return Amqtt(directory, port=port)
    raise BrokerError(
        f"{prefer or 'an MQTT broker'} is not installed. Install Mosquitto (Debian: apt install mosquitto) "
        "or, for a demo, the Python package amqtt (the extra bypunkt[demo])."
    )
