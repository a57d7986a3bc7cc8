"""What can be wrong with a broker connection, and what a caller is told."""

from enum import StrEnum
from pathlib import Path
from traceback import extract_tb

import structlog

log = structlog.get_logger()


class Trouble(StrEnum):
    """Why a session is not connected; `bypunkt check` says what to do about each."""

    UNREACHABLE = "unreachable"
    TLS = "tls_refused"
    SILENT = "no_answer_to_connect"
    DROPPED = "closed_before_answer"
    PROTOCOL = "protocol_refused"
    CREDENTIALS = "credentials_refused"
    CLIENT_ID = "client_id_refused"
    BUSY = "broker_busy"
    SUBSCRIPTION = "subscription_refused"
    EVICTED = "evicted_by_same_client_id"
    CLOSED = "connection_closed"
    LOST = "connection_lost"
    FAULT = "unexpected_error"


class Ended(Exception):
    """A connection, or the attempt at one, is over."""

    def __init__(self, trouble: Trouble, detail: str = "") -> None:
        super().__init__(f"{trouble}: {detail}" if detail else str(trouble))
        self.trouble = trouble
        self.detail = detail


class NotConnected(Exception):
    """There is no connection, or it went away before the answer came: try again after `wait_connected`."""


class Refused(Exception):
    """The broker answered no (MQTT 5 reason code 0x80 or above): trying again will not help."""


def fault(error: Exception, *, client: str) -> Ended:
    """Log an error that nobody foresaw by its class and place, never its message: that may quote a payload."""
    at = extract_tb(error.__traceback__)[-1]
    name, where = type(error).__name__, f"{Path(at.filename).name}:{at.lineno}"
    log.error("mqtt_fault", client=client, error=name, where=where)
    return Ended(Trouble.FAULT, f"{name} at {where}")
