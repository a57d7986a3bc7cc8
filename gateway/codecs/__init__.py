"""The payloads that are understood. The registry is explicit: what is not in `CODECS` does not exist.

To add a maker's payload: write `gateway/codecs/<maker>.py` with

    MAY_BE_RETAINED = False    # True where the maker retains its messages by nature (availability topics)
    def filters(device) -> tuple[str, ...]    # what its lane subscribes to; the device's `topic_identity` must be in it
    def decode(topic, payload, received_at, device) -> list[Event]

import it here and add its line to `CODECS`; put golden payloads in `tests/golden/<maker>/`, a test in
`tests/gateway/`, and an entry in the docs. `decode` is pure. It returns events (`services.events`), or claims made
with `services.events.wire.claim` where the payload also says when; it raises `CodecError(code, detail)` when it
cannot. Whose the message is comes from the topic and the registry, never from the payload; the stages of
`services.ingest` do the rest (plausible time, addresses, ids), the same for every maker.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from gateway.codecs import native
from gateway.topics import native_parts
from services.events import Event, wire
from services.events.document import Flaw
from services.events.fields import Fact
from services.events.reasons import Reason
from services.events.wire import Claim, CodecError
from services.ingest import stages
from services.ingest.models import LIMITS, Accepted, KnownDevice, Limits, Parcel, Refused, Registry

_OURS = re.compile(r"bypunkt/v1/[0-9]{4}/")


class Codec(Protocol):
    """What a codec module offers."""

    @property
    def MAY_BE_RETAINED(self) -> bool:  # noqa: N802 - a constant of the module
        """Whether a retained message of its topics may be an event."""

    def filters(self, device: KnownDevice) -> Sequence[str]:
        """Return the MQTT filters of a device's foreign topics; none while its identity there is not known."""

    def decode(
        self, topic: str, payload: bytes, received_at: datetime, device: KnownDevice | None
    ) -> Sequence[Event | Claim | Flaw]:
        """Return what the payload says happened; raises CodecError."""


CODECS: dict[str, Codec] = {
    "native": native,
}


def judge(
    topic: str, payload: bytes, received_at: datetime, *, retain: bool, registry: Registry
) -> list[Accepted | Refused]:
    """Return a verdict for each event of a message on any topic, at least one."""
    parcel = native.parcel(topic, payload, retain=retain, received_at=received_at)
    if parcel is None:
        return [_on_no_topic(topic, payload, received_at)]
    return judge_as("native", parcel, registry)


def judge_as(
    name: str, parcel: Parcel, registry: Registry, *, limits: Limits = LIMITS
) -> list[Accepted | Refused]:
    """Decode a message by the named codec and return a verdict for each event in it, at least one."""
    codec = CODECS[name]
    device = registry.device(parcel.municipality, parcel.device)

    def read(payload: bytes) -> Sequence[Claim | Flaw]:
        try:
            said = codec.decode(parcel.topic, payload, parcel.received_at, device)
        except CodecError as error:
            return [error.flaw(payload)]
        return [wire.claim(item, payload) if isinstance(item, Fact) else item for item in said]

    return stages.judge(parcel, registry, limits=limits, read=read, may_be_retained=codec.MAY_BE_RETAINED)


def identity(topic: str) -> tuple[str, str] | None:
    """Return (municipality, device) as a topic names them; None when it is nobody's."""
    parts = native_parts(topic)
    return parts[:2] if parts else None


def _on_no_topic(topic: str, payload: bytes, received_at: datetime) -> Refused:
    """Refuse what came on a topic of ours with malformed parts; the filter vouches for the municipality alone."""
    municipality = topic.split("/")[2] if _OURS.match(topic) else "0000"
    parcel = Parcel(
        municipality, "", None, topic=topic, payload=payload, retain=False, received_at=received_at
    )
    return stages.refuse(parcel, Reason.BAD_TOPIC, "not bypunkt/v1/<municipality>/<device>/<event type>")
