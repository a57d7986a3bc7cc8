"""MQTT for asyncio: a session that connects, subscribes, hands over, acknowledges and publishes, for ever.

`session` is what the rest of the house uses; `link` is one connection and the only file that knows paho;
`dial`, `negotiation` and `inbox` are its parts.
"""

from gateway.mqtt.errors import NotConnected, Refused, Trouble
from gateway.mqtt.options import Delivery, SessionOptions, Will
from gateway.mqtt.session import Session

__all__ = ["Delivery", "NotConnected", "Refused", "Session", "SessionOptions", "Trouble", "Will"]
