"""The native payload: CloudEvents or the short form (docs/protocol.md). The topic says whose it is."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from gateway.topics import native_parts
from services.events import wire
from services.events.document import Flaw
from services.events.wire import Claim
from services.ingest.models import KnownDevice, Parcel

MAY_BE_RETAINED: Final = False


def filters(device: KnownDevice) -> tuple[str, ...]:  # noqa: ARG001 - native topics are the municipality's
    """Return nothing: the lane is subscribed to the whole municipality."""
    return ()


def decode(
    topic: str,  # noqa: ARG001 - judged against the parcel, by the stages
    payload: bytes,
    received_at: datetime,  # noqa: ARG001 - native events say their time themselves
    device: KnownDevice | None,  # noqa: ARG001 - likewise
) -> Sequence[Claim | Flaw]:
    """Return what the payload claims."""
    return wire.read(payload)


def parcel(topic: str, payload: bytes, *, retain: bool, received_at: datetime) -> Parcel | None:
    """Return a message with what its topic says, which is what the broker vouches for; None for another topic."""
    parts = native_parts(topic)
    if parts is None:
        return None
    return Parcel(*parts, topic=topic, payload=payload, retain=retain, received_at=received_at)
