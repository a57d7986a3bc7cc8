"""From a message to verdicts, in small stages of one shape: each looks at a case and says why not, or nothing.

Pure: no I/O and no clock. Every event of a message gets exactly one verdict, in the order of the message, and
nothing here raises whatever a device sends. The stages run in the order of `_STAGES`.
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pydantic import ValidationError

from services.events import EVENT_TYPES, canonical, document, wire
from services.events.document import Flaw
from services.events.fields import Fact
from services.events.moment import whole_ms
from services.events.reasons import Reason
from services.events.text import brief, clean
from services.events.wire import Claim, No
from services.ingest import addresses
from services.ingest.models import LIMITS, Accepted, Limits, Parcel, Refused, Registry

_NOT_EVEN_KEPT = (Reason.DEVICE_SUSPENDED, Reason.DEVICE_RETIRED)


def judge(
    parcel: Parcel,
    registry: Registry,
    *,
    limits: Limits = LIMITS,
    read: Callable[[bytes], Sequence[Claim | Flaw]] = wire.read,
    may_be_retained: bool = False,
) -> list[Accepted | Refused]:
    """Return one verdict for each event of a message, at least one; `read` is a foreign codec's."""
    too_large = len(parcel.payload) > document.MESSAGE_BYTES
    said = wire.read(parcel.payload) if too_large else read(parcel.payload)
    no = None if too_large else _turned_away(parcel, registry, may_be_retained=may_be_retained)
    return [_verdict(parcel, item, no, limits) for item in said]


def refuse(parcel: Parcel, reason: Reason, detail: str) -> Refused:
    """Refuse a message as a whole, unread."""
    return _refused(parcel, Flaw(reason, detail, parcel.payload), (reason, detail))


@dataclass(slots=True)
class _Case:
    """A claim on its way through the stages, and what they found out about it."""

    parcel: Parcel
    claim: Claim
    limits: Limits
    event_type: str = ""
    fact: type[Fact] = Fact
    data: dict[str, Any] = field(default_factory=dict)
    at: datetime = datetime.min  # noqa: DTZ901 - set by _plausible_time before anybody reads it
    clock: Literal["device", "receipt"] = "device"
    id: str = ""
    own_id: bool = True


def _verdict(parcel: Parcel, item: Claim | Flaw, no: No | None, limits: Limits) -> Accepted | Refused:
    if no is not None:
        return _refused(parcel, item, no)
    if isinstance(item, Flaw):
        return _refused(parcel, item, (item.reason, item.detail))
    case = _Case(parcel, item, limits)
    for stage in _STAGES:
        no = stage(case)
        if no is not None:
            return _refused(parcel, item, no)
    return Accepted(
        municipality=parcel.municipality,
        device=parcel.device,
        id=case.id,
        at=case.at,
        received_at=whole_ms(parcel.received_at),
        time=item.time,
        type=case.event_type,
        retention=case.fact.retention,
        boot=item.boot,
        conn=item.conn,
        seq=item.seq,
        data=case.data,
        clock=case.clock,
        own_id=case.own_id,
    )


def _turned_away(parcel: Parcel, registry: Registry, *, may_be_retained: bool) -> No | None:
    """Whether the message may be read at all: not retained, from a device that is in use."""
    if parcel.retain and not may_be_retained:
        return Reason.RETAINED, "events are published without the retain flag"
    device = registry.device(parcel.municipality, parcel.device)
    if device is None:
        if registry.municipality_of(parcel.device) is not None:
            return Reason.WRONG_MUNICIPALITY, "the device belongs to another municipality"
        return Reason.UNKNOWN_DEVICE, "no such device is registered"
    if device.lifecycle == "suspended":
        return Reason.DEVICE_SUSPENDED, "the device is suspended"
    if device.lifecycle == "retired":
        return Reason.DEVICE_RETIRED, "the device is retired"
    return None


def _identity(case: _Case) -> No | None:
    """The event is from the device, and of the type, that the topic says; the broker vouches only for the topic."""
    parcel, claim = case.parcel, case.claim
    if claim.source is not None:
        municipality, device = claim.source
        if municipality != parcel.municipality:
            return Reason.WRONG_MUNICIPALITY, f"source says {municipality}, the topic {parcel.municipality}"
        if device != parcel.device:
            return Reason.WRONG_DEVICE, f"source says {device}, the topic {parcel.device}"
    if parcel.event_type is not None and claim.type not in {None, parcel.event_type}:
        return Reason.TYPE_MISMATCH, f"type says {claim.type}, the topic {parcel.event_type}"
    case.event_type = parcel.event_type or claim.type or ""
    return None


def _known_type(case: _Case) -> No | None:
    fact = EVENT_TYPES.get(case.event_type)
    if fact is None:
        return Reason.UNKNOWN_TYPE, case.event_type or "the event does not say its type"
    case.fact = fact
    return None


def _valid_data(case: _Case) -> No | None:
    return _validate(case, case.claim.data)


def _no_addresses(case: _Case) -> No | None:
    """Addresses are taken out; what is no longer valid without them is refused."""
    claim = case.claim
    tokens = {"id": claim.id, "boot": claim.boot, "conn": claim.conn}
    for name, token in tokens.items():
        if token is not None and addresses.in_id(token):
            return Reason.BAD_HEADER, f"{name} holds a hardware or network address"
    scrubbed = addresses.scrub_data(case.data)
    return None if scrubbed is case.data else _validate(case, scrubbed)


def _plausible_time(case: _Case) -> No | None:
    """The device's time counts unless its clock is wrong; then that of receipt does, and the event is marked."""
    time, limits, received_at = case.claim.time, case.limits, whole_ms(case.parcel.received_at)
    if time is None or time < limits.clocks_set_since or time > received_at + limits.ahead:
        case.at, case.clock = received_at, "receipt"
        return None
    if limits.oldest is not None and time < received_at - limits.oldest:
        return Reason.TOO_OLD, f"more than {limits.oldest.days} days old"
    case.at = time
    return None


def _id(case: _Case) -> No | None:
    """The device's id, or one derived from what it would repeat unchanged, or a random one."""
    claim = case.claim
    if claim.id is not None:
        case.id = claim.id
    elif claim.time is not None or (claim.boot is not None and claim.seq is not None):
        said = [case.event_type, claim.time and claim.time.isoformat(), claim.boot, claim.seq, case.data]
        content = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        case.id = wire.OWN_PREFIX + hashlib.blake2b(content, digest_size=16).hexdigest()
    else:
        case.id, case.own_id = uuid.uuid4().hex, False
    return None


_STAGES: tuple[Callable[[_Case], No | None], ...] = (
    _identity,
    _known_type,
    _valid_data,
    _no_addresses,
    _plausible_time,
    _id,
)


def _validate(case: _Case, data: dict[str, Any]) -> No | None:
    try:
        # What `model_validate` calls, without its looks at options that nobody gave: it is done for each event.
        case.data = canonical(case.fact.__pydantic_validator__.validate_python(data))
    except ValidationError as error:
        return _why_invalid(error, data)
    return None


def _why_invalid(error: ValidationError, data: dict[str, Any]) -> No:
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    unknown = all(fault["type"] == "extra_forbidden" for fault in faults)
    # A number that is not finite fails as whatever the field expects; say what it is.
    finite = document.is_finite(data)
    reason = Reason.UNKNOWN_FIELD if unknown else Reason.INVALID_DATA if finite else Reason.NOT_FINITE
    first = faults[0]
    where = ".".join(str(part) for part in first["loc"]) or "data"
    return reason, f"{where}: {first['msg']}"


def _refused(parcel: Parcel, item: Claim | Flaw, no: No) -> Refused:
    reason, detail = no
    kept = reason not in _NOT_EVEN_KEPT
    payload = addresses.scrub_document(item.document) if kept and item.document is not None else None
    if payload is not None and len(payload.encode()) > wire.EVENT_BYTES:
        payload = None
    event_id = item.event_id if isinstance(item, Flaw) else item.id
    return Refused(
        municipality=parcel.municipality,
        device=parcel.device if parcel.device and addresses.scrub(parcel.device) == parcel.device else None,
        topic=_told(parcel.topic),
        reason=reason,
        detail=_told(detail),
        received_at=whole_ms(parcel.received_at),
        event_id=None if event_id is None or addresses.in_id(event_id) else event_id,
        size=len(item.raw),
        payload=payload,
        replayable=payload is not None,
        stored=kept,
        raw=item.raw,
    )


def _told(text: str) -> str:
    """Return a text as people may read it; cut last, for half an address is no longer known as one."""
    return brief(addresses.scrub(clean(text)))
