"""The envelope on the wire: CloudEvents 1.0 JSON or the short form, one or an array, as claims.

A claim is what an event says about itself before anybody believed it. Nothing here raises: what cannot be
used is a Flaw with its reason. `services.ingest.stages` judges claims; MQTT and HTTPS use the same. Details are
left whole here: the stages take addresses out of them before they cut.
"""

import re
from datetime import datetime
from typing import NamedTuple, TypeAlias

from services.events import Event, canonical, document, moment
from services.events.document import Doubled, Element, Flaw
from services.events.reasons import Reason
from services.events.text import is_clean

EVENT_BYTES = 16 * 1024
# Ids that begin so are ours: derived from an event's content. A device cannot give one.
OWN_PREFIX = "~"

_SHORT_FORM = frozenset({"id", "time", "boot", "conn", "seq", "data"})
_LENGTHS = {"id": 128, "boot": 64, "conn": 64}
_LARGEST_SEQ = 2**63 - 1
_JSON_TYPE = re.compile(r"[\w.+-]{1,64}/(?:[\w.-]{1,64}\+)?json *(?:;.*)?", re.ASCII | re.IGNORECASE)


No: TypeAlias = tuple[Reason, str]
"""Why not: a reason and a detail that people can read."""


class Claim(NamedTuple):
    """What an event says about itself; `source` is (municipality, device), and what was left out is None."""

    data: dict[str, object]
    raw: bytes
    document: dict[str, object]
    type: str | None = None
    source: tuple[str, str] | None = None
    id: str | None = None
    time: datetime | None = None
    boot: str | None = None
    conn: str | None = None
    seq: int | None = None


class CodecError(Exception):
    """A foreign payload cannot be decoded. `code` is one of the Reasons, or a word of the codec's own."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def flaw(self, payload: bytes) -> Flaw:
        """Return this as the verdict on a payload."""
        if self.code in Reason.__members__.values():
            return Flaw(Reason(self.code), self.detail, payload)
        return Flaw(Reason.NOT_DECODABLE, f"{self.code}: {self.detail}", payload)


def read(payload: bytes) -> list[Claim | Flaw]:
    """Read a message: at least one claim or flaw; an array element by element, in its order."""
    found = document.elements(payload)
    if isinstance(found, Flaw):
        return [found]
    return [_claim(element) for element in found]


def claim(
    event: Event, payload: bytes, *, time: datetime | None = None, event_id: str | None = None
) -> Claim:
    """Return an event that a foreign codec has decoded as a claim, to be judged like any other."""
    data = canonical(event)
    return Claim(data=data, raw=payload, document={"data": data}, type=event.type, id=event_id, time=time)


def _claim(element: Element) -> Claim | Flaw:
    value, raw = element.value, element.raw
    no = _unreadable(value, raw)
    if no is not None:
        return Flaw(no[0], no[1], raw, _id_of(value))
    if not isinstance(value, dict):
        return Flaw(Reason.NOT_AN_EVENT, "not an object", raw)
    time = _time(value.get("time"))
    no = _no_event(value) or _bad_header(value)
    if no is None and time is None and value.get("time") is not None:
        no = Reason.BAD_TIME, "time is not an RFC 3339 time with an offset"
    if no is not None:
        return Flaw(no[0], no[1], raw, _id_of(value), value)
    return Claim(
        data=value["data"],
        raw=raw,
        document=value,
        type=value.get("type"),
        source=_source(value.get("source")),
        id=value.get("id"),
        time=time,
        boot=value.get("boot"),
        conn=value.get("conn"),
        seq=value.get("seq"),
    )


def _unreadable(value: object, raw: bytes) -> No | None:
    """Say why nothing of an element may be kept but its size."""
    if len(raw) > EVENT_BYTES:
        return Reason.TOO_LARGE, f"{len(raw)} bytes, at most {EVENT_BYTES}"
    reason = document.fault(value) if document.is_suspicious(raw) else None
    if isinstance(value, Doubled) or (isinstance(value, dict) and isinstance(value.get("data"), Doubled)):
        reason = reason or Reason.DUPLICATE_KEY
    return None if reason is None else (reason, _DETAILS[reason])


_DETAILS = {
    Reason.NUL: "a NUL character in a string",
    Reason.BAD_UNICODE: "half of a surrogate pair in a string",
    Reason.NOT_FINITE: "NaN or an infinite number",
    Reason.NUMBER_TOO_LONG: "a number of thousands of digits",
    Reason.DUPLICATE_KEY: "a key stands twice in an object",
    Reason.TOO_DEEP: f"more than {document.DEPTH} levels",
}


def _no_event(said: dict[str, object]) -> No | None:
    """Say why this is no event of either form."""
    if "specversion" in said:
        no = _no_cloud_event(said)
        if no is not None:
            return Reason.NOT_AN_EVENT, no
    elif "data" in said and (unknown := said.keys() - _SHORT_FORM):
        return Reason.UNKNOWN_FIELD, f"{min(unknown)} beside data"
    if type(said.get("data")) is not dict:
        return Reason.NOT_AN_EVENT, "data is missing or not an object"
    return None


def _no_cloud_event(said: dict[str, object]) -> str | None:
    if said["specversion"] != "1.0":
        return "specversion is not 1.0"
    for name in ("id", "source", "type"):
        if not isinstance(said.get(name), str):
            return f"{name} is missing or not a string"
    content = said.get("datacontenttype")
    if content is not None and not (isinstance(content, str) and _JSON_TYPE.fullmatch(content)):
        return "datacontenttype is not JSON"
    return None


def _bad_header(said: dict[str, object]) -> No | None:
    """Say which attribute of the envelope is malformed; null means absent (CloudEvents JSON format, 2.2)."""
    for name, length in _LENGTHS.items():
        if (value := said.get(name)) is not None and not _is_token(value, length):
            return Reason.BAD_HEADER, f"{name} is not 1 to {length} printable characters"
    seq = said.get("seq")
    if seq is not None and not (type(seq) is int and 0 <= seq <= _LARGEST_SEQ):
        return Reason.BAD_HEADER, "seq is not a whole number from 0 to 2^63-1"
    if (given := said.get("id")) is not None and str(given).startswith(OWN_PREFIX):
        return Reason.BAD_HEADER, f"id begins with {OWN_PREFIX}, which is kept for derived ids"
    if "source" in said and _source(said["source"]) is None:
        return Reason.BAD_HEADER, "source does not end with /<municipality>/<device>"
    return None


def _is_token(value: object, length: int) -> bool:
    if not isinstance(value, str) or not 0 < len(value) <= length:
        return False
    return (value.isascii() and value.isalnum()) or (is_clean(value) and not value.isspace())


def _source(value: object) -> tuple[str, str] | None:
    """Return the last two segments of a URI reference's path."""
    if not isinstance(value, str) or len(value) > 512:
        return None
    path = value.partition("#")[0].partition("?")[0]
    segments = path.removesuffix("/").split("/")
    if len(segments) < 2 or not all(segments[-2:]):
        return None
    return segments[-2], segments[-1]


def _time(value: object) -> datetime | None:
    return moment.parse(value) if isinstance(value, str) else None


def _id_of(value: object) -> str | None:
    """Return the id of an element that cannot be used, so that its device can be told."""
    said = value.get("id") if isinstance(value, dict) else None
    return said if isinstance(said, str) and _is_token(said, _LENGTHS["id"]) else None
