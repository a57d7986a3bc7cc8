"""Bytes to JSON values, one by one, by the strict reading of RFC 8259: what is refused has its own reason.

Python's reader is lenient (NaN, the last of two equal keys, lone surrogates), so its hooks mark what they
meet and `fault` looks for it. A bad element of an array leaves its neighbours alone wherever the text can still
be read.
"""

import codecs
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from services.events.reasons import Reason
from services.events.text import SURROGATE

MESSAGE_BYTES = 256 * 1024
MESSAGE_EVENTS = 1_000
DEPTH = 16

# Long enough for the numbers that only the careful reader can read, too long for the common event.
_LONG = 4_000

_BLANK = " \t\n\r"
_SPACE = re.compile(f"[{_BLANK}]*")
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a message, or one event in it, cannot be used; `document` is what it said, if readable."""

    reason: Reason
    detail: str
    raw: bytes
    event_id: str | None = None
    document: dict[str, object] | None = None


class Element(NamedTuple):
    """One JSON value of a message, with the bytes it was written in."""

    value: object
    raw: bytes


class Doubled(dict[str, object]):
    """An object in which a key stood twice."""


class Endless:
    """A number of more digits than anybody needs."""


def elements(payload: bytes) -> list[Element] | Flaw:
    """Return the elements of a JSON array, or the one value of a message that is none; or a Flaw."""
    text = _text(payload)
    if isinstance(text, Flaw):
        return text
    try:
        found = _found(text, payload)
    except json.JSONDecodeError as error:
        return Flaw(Reason.NOT_JSON, f"{error.msg} at character {error.pos}", payload)
    except RecursionError:
        return Flaw(Reason.TOO_DEEP, f"more than {DEPTH} levels", payload)
    if len(found) > MESSAGE_EVENTS:
        return Flaw(Reason.TOO_MANY_EVENTS, f"more than {MESSAGE_EVENTS} events", payload)
    return found or Flaw(Reason.EMPTY, "an empty array", payload)


def is_suspicious(raw: bytes) -> bool:
    """Whether an element may hold what `fault` looks for; says no for the common, flat event."""
    return (
        b"\\u" in raw
        or b"NaN" in raw
        or b"Infinity" in raw
        or raw.count(b"{") + raw.count(b"[") > 2
        or len(raw) > _LONG
    )


def fault(value: object) -> Reason | None:
    """Return what is wrong with a value, however deep in it; None when it is plain JSON."""
    level = [value]
    for _ in range(DEPTH):
        for item in level:
            if (reason := _fault_of(item)) is not None:
                return reason
        level = [part for item in level if isinstance(item, dict | list) for part in _parts(item)]
        if not level:
            return None
    return Reason.TOO_DEEP


def is_finite(value: object) -> bool:
    """Whether no number in the value is NaN or infinite (1e999 is read as infinity)."""
    if isinstance(value, dict | list):
        return all(is_finite(part) for part in _parts(value))
    return not isinstance(value, float) or math.isfinite(value)


def _text(payload: bytes) -> str | Flaw:
    if len(payload) > MESSAGE_BYTES:
        return Flaw(Reason.MESSAGE_TOO_LARGE, f"{len(payload)} bytes, at most {MESSAGE_BYTES}", payload)
    if not payload.strip():
        return Flaw(Reason.EMPTY, "no payload", payload)
    if b"\0" in payload or payload.startswith(_MARKS):
        return _not_utf8(payload)
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        return Flaw(Reason.NOT_UTF8, f"{error.reason} at byte {error.start}", payload)


def _not_utf8(payload: bytes) -> Flaw:
    encoding = json.detect_encoding(payload)
    if encoding == "utf-8":
        return Flaw(Reason.NUL, f"a NUL byte at {payload.index(0)}", payload)
    if encoding == "utf-8-sig":
        return Flaw(Reason.BOM, "starts with a byte order mark", payload)
    return Flaw(Reason.NOT_UTF8, f"looks like {encoding.upper()}", payload)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Doubled(found)


def _integer(digits: str) -> int | Endless:
    return int(digits) if len(digits) < 1_000 else Endless()


_QUICK = json.JSONDecoder(object_pairs_hook=_object)
_CAREFUL = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer)


def _found(text: str, payload: bytes) -> list[Element]:
    try:
        return list(_values(text, payload, _QUICK))
    except json.JSONDecodeError:
        raise
    except ValueError:  # a number of more digits than sys.get_int_max_str_digits() allows
        return list(_values(text, payload, _CAREFUL))


def _values(text: str, payload: bytes, decoder: json.JSONDecoder) -> Iterator[Element]:
    start = _end_of_space(text, 0)
    if text[start] != "[":
        value, end = decoder.raw_decode(text, start)
        _expect_end(text, end)
        yield Element(value, payload)
        return
    position = _end_of_space(text, start + 1)
    if text.startswith("]", position):
        _expect_end(text, position + 1)
        return
    for _ in range(MESSAGE_EVENTS + 1):
        value, end = decoder.raw_decode(text, position)
        yield Element(value, text[position:end].encode())
        position = _end_of_space(text, end)
        mark = text[position : position + 1]
        if mark == "]":
            _expect_end(text, position + 1)
            return
        if mark != ",":
            raise json.JSONDecodeError("Expecting ',' delimiter", text, position)
        position = _end_of_space(text, position + 1)


def _end_of_space(text: str, start: int) -> int:
    if text[start : start + 1] not in _BLANK:
        return start
    match = _SPACE.match(text, start)
    return match.end() if match else start


def _expect_end(text: str, end: int) -> None:
    end = _end_of_space(text, end)
    if end != len(text):
        raise json.JSONDecodeError("Extra data", text, end)


def _parts(item: dict[str, object] | list[object]) -> Iterator[object]:
    if isinstance(item, dict):
        yield from item
        yield from item.values()
    else:
        yield from item


def _fault_of(item: object) -> Reason | None:
    if isinstance(item, str):
        if "\0" in item:
            return Reason.NUL
        return Reason.BAD_UNICODE if SURROGATE.search(item) else None
    if isinstance(item, float):
        return None if math.isfinite(item) else Reason.NOT_FINITE
    if isinstance(item, Endless):
        return Reason.NUMBER_TOO_LONG
    return Reason.DUPLICATE_KEY if isinstance(item, Doubled) else None
