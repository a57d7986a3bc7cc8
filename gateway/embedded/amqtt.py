"""amqtt as a child process: the demo's broker where Mosquitto cannot be installed."""

import importlib.util
import os
import sys
from pathlib import Path

import gateway
from gateway.embedded.broker import HOST, BrokerError, EmbeddedBroker
from services.runtime.child import Command

_ENTRY = "gateway.embedded.amqtt_server"
_ROOT = str(Path(gateway.__path__[0]).parent)
_STOP_WITHIN = 5.0


class Amqtt(EmbeddedBroker):
    """A broker written in Python, for a demo on loopback and nothing else.

    It speaks MQTT 3.1.1 only; keeps sessions, queues and retained messages in memory, so that a restart
    forgets them; loses unacknowledged QoS 1 messages when a connection drops; shows retained messages to
    others than those they are for; and has no accounts and no ACL here.
    """

    name = "amqtt"

    def __init__(self, directory: Path, *, port: int = 0) -> None:
        super().__init__(directory, port=port, command=self._prepare)

    @staticmethod
    def installed() -> bool:
        """Whether the package is there."""
        return importlib.util.find_spec("amqtt") is not None

    def _prepare(self) -> Command:
        """Run our entry module with this Python."""
        if not self.installed():
            raise BrokerError("the Python package amqtt is not installed (the extra bypunkt[demo])")
        self.directory.mkdir(parents=True, exist_ok=True)
        return Command(
            name=self.name,
            arguments=(sys.executable, "-m", _ENTRY, "--host", HOST, "--port", str(self.port)),
            log=self.log,
            # The child finds its packages, and us, wherever we found them: installed or in a checkout.
            environment={"PYTHONPATH": os.pathsep.join([_ROOT, *filter(None, sys.path)])},
            stop_within=_STOP_WITHIN,
        )
