"""MQTT for asyncio: a session that connects, subscribes, hands over, acknowledges and publishes, for ever.

`session` is what the rest of the house uses; `link` is one connection and the only file that knows paho. `wire` reads
and writes its bytes, `frames` cuts them into messages and what is left to paho, which reads it from `stream`. `dial`,
`negotiation`, `recovery` and `inbox` are the session's other parts.
"""

from gateway.mqtt.errors import NotConnected, Refused, Trouble
from gateway.mqtt.options import Delivery, SessionOptions, Will
from gateway.mqtt.session import Session

__all__ = ["Delivery", "NotConnected", "Refused", "Session", "SessionOptions", "Trouble", "Will"]
