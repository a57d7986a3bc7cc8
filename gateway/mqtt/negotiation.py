"""Which MQTT version to speak with a broker that nobody has told us about. Pure.

MQTT 5 comes first. A broker without it may refuse (then 3.1.1 it is), close the connection, or say nothing at
all (amqtt 0.12 waits for bytes that never come). Closing alone proves nothing: a port forwarder does the same
while its broker starts. So after a close 3.1.1 is only a probe; if it is answered, MQTT 5 is asked once more, and
only a second close settles the matter. After a silence, an answered 3.1.1 is used, but the next connection asks
for MQTT 5 again: a broker that stalled for a second must not cost us Retain As Published for weeks.
"""

from enum import Enum, auto
from typing import Literal

from gateway.mqtt.errors import Trouble
from gateway.mqtt.options import Protocol

Version = Literal["5", "3.1.1"]

# How long to wait for a CONNACK: short while a silence may mean "no MQTT 5", doubling so that a slow broker
# is reached in the end.
FIRST_PATIENCE_S = 1.0
PATIENCE_S = 10.0


class _Stage(Enum):
    ASK_5 = auto()
    PROBE_AFTER_SILENCE = auto()
    PROBE_AFTER_CLOSE = auto()
    CONFIRM = auto()
    SETTLED_5 = auto()
    SETTLED_311 = auto()


_SPEAKS_311 = {_Stage.PROBE_AFTER_SILENCE, _Stage.PROBE_AFTER_CLOSE, _Stage.SETTLED_311}
_SETTLED = {_Stage.SETTLED_5, _Stage.SETTLED_311}


class Negotiation:
    """Remembers how a broker answered, and names the version for the next attempt."""

    def __init__(self, protocol: Protocol) -> None:
        self._auto = protocol == "auto"
        self._stage = {"auto": _Stage.ASK_5, "5": _Stage.SETTLED_5, "3.1.1": _Stage.SETTLED_311}[protocol]
        self._rounds = 0

    @property
    def version(self) -> Version:
        """The version to try next."""
        return "3.1.1" if self._stage in _SPEAKS_311 else "5"

    @property
    def patience_s(self) -> float:
        """How long to wait for the CONNACK of the next attempt."""
        if self._stage in _SETTLED:
            return PATIENCE_S
        return float(min(PATIENCE_S, FIRST_PATIENCE_S * 2 ** min(self._rounds, 8)))

    def answered(self) -> bool:
        """Take note of a CONNACK that accepts us; false when the connection was only a probe."""
        if self._stage is _Stage.PROBE_AFTER_CLOSE:
            self._stage = _Stage.CONFIRM
            return False
        if self._stage is _Stage.PROBE_AFTER_SILENCE:
            self._stage = _Stage.ASK_5
        elif self._stage not in _SETTLED:
            self._stage = _Stage.SETTLED_5
        self._rounds = 0
        return True

    def failed(self, trouble: Trouble) -> bool:
        """Take note of an attempt that got no accepting CONNACK; true when the next one should come at once."""
        before = self._stage
        if self._auto:
            self._stage = self._after(trouble)
            if before in {_Stage.PROBE_AFTER_SILENCE, _Stage.PROBE_AFTER_CLOSE}:
                self._rounds += 1
        return self._stage is not before and self._stage is not _Stage.ASK_5

    def _after(self, trouble: Trouble) -> _Stage:
        if trouble is Trouble.PROTOCOL:
            return _Stage.ASK_5 if self.version == "3.1.1" else _Stage.SETTLED_311
        if self._stage in _SETTLED:
            return self._stage
        if self._stage is _Stage.ASK_5 and trouble is Trouble.SILENT:
            return _Stage.PROBE_AFTER_SILENCE
        if self._stage is _Stage.ASK_5 and trouble is Trouble.DROPPED:
            return _Stage.PROBE_AFTER_CLOSE
        if self._stage is _Stage.CONFIRM and trouble is Trouble.DROPPED:
            return _Stage.SETTLED_311
        return _Stage.ASK_5
