"""Addresses of machines and people, taken out of whatever is to be kept: MAC, IPv4, IPv6, IMEI, URL query strings.

Privacy comes first where a text is ambiguous: a version of four numbers (1.2.3.4) reads like an IPv4 address and
goes, and so do six pairs of digits (12 34 56 78 90 12). What stays: versions of up to three numbers (23.05.2) or with
padded zeros (RUTX_R_00.07.06.10), dates and times, also as twelve digits (202606030815, 260603-081500), and UUIDs,
unless of the versions that carry a MAC (1 and 6).
"""

import json
import re
from collections.abc import Mapping
from typing import Final

from services.events.text import clean

REMOVED: Final = "[removed]"

_HEX = "[0-9A-Fa-f]"
# As it stands in a query string too, however often that was quoted.
_COLON = "(?::|%(?:25){0,3}3[Aa])"
_HEXTETS = rf"{_HEX}{{1,4}}(?:{_COLON}{_HEX}{{1,4}})"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|0[0-9][0-9]|[1-9]?[0-9])"
_TAIL = r"(?:(?:\.[0-9]{1,3}){3})?(?:%\w+)?"
_ALONE = r"(?:(?<![0-9A-Za-z])|(?<=%[0-9A-Fa-f]{2}))"
_END = r"(?![0-9A-Za-z])"

# Six to eight pairs of digits. Dates are pairs too: where there is no letter, care is needed.
_PAIR = rf"(?:0[xX])?{_HEX}{{2}}"
_BETWEEN = "[-._/ \u2010-\u2015\u2212]|: |%(?:25){0,3}2[0DEde]"
_MIXED = rf"{_PAIR}(?:(?:[-._]|{_COLON}){_PAIR}){{5,7}}{_END}"
_LETTER = "(?=[^A-Fa-f]{0,16}[A-Fa-f])"

_MONTH_DAY = r"(?:0[1-9]|1[0-2]){}(?:0[1-9]|[12][0-9]|3[01])"
_HOUR_MINUTE = "(?:[01][0-9]|2[0-3])[0-5][0-9]"
_MINUTE = rf"20[0-9]{{2}}{_MONTH_DAY.format('')}{_HOUR_MINUTE}"
_SECOND = rf"[0-9]{{2}}{_MONTH_DAY.format('')}[-_]{_HOUR_MINUTE}[0-5][0-9]"
_REST_OF_DATE = rf"(?<=20[0-9]{{2}}-){_MONTH_DAY.format('-')}"


def _pairs(name: str, between: str) -> str:
    """Return the pattern of pairs with the same separator between them all; `name` is that of its group."""
    return rf"{_PAIR}(?P<{name}>{between}){_PAIR}(?:(?P={name}){_PAIR}){{4,6}}{_END}"


# Spelled out: nothing but an address looks like this.
_SPELLED = (
    rf"{_HEXTETS}{{5,}}{_TAIL}",  # aa:bb:cc:dd:ee:ff, 0:1b:2c:3:4:5, aa%3Abb%3A…, EUI-64, IPv6 written out
    rf"(?<![0-9]){_OCTET}(?:\.{_OCTET}){{3}}(?![0-9])",  # 192.168.1.1
    r"""(?<=[^\s?])\?[^\s"'<>\\]+""",  # https://by.example/sida?token=1
)
_SPELLED_ALONE = (
    rf"(?:{_HEXTETS}{{0,6}})?{_COLON}{{2}}{_HEXTETS}{{0,6}}{_TAIL}",  # fe80::1%wlan0, ::ffff:192.0.2.1
    rf"{_HEXTETS}{{0,6}}{_COLON}{{2}}(?:%\w+)?",  # 2001:db8::
    _pairs("dash", "[-._]"),  # aa-bb-cc-dd-ee-ff
    _LETTER + _pairs("gap", _BETWEEN),  # aa bb cc dd ee ff
    _LETTER + _MIXED,  # aa:bb:cc-dd:ee:ff
    rf"{_HEX}{{4}}(?P<dot>[.:]){_HEX}{{4}}(?P=dot){_HEX}{{4}}{_END}",  # aabb.ccdd.eeff
    rf"[0-9]{{2}}-[0-9]{{6}}-[0-9]{{6}}-[0-9]{_END}",  # an IMEI as printed on the box
)
# Digits and little more: an address in a text, but often innocent in an id.
_BARE_ALONE = (
    rf"(?P<uuid>{_HEX}{{8}}-{_HEX}{{4}}-[02-57-9A-Fa-f]{_HEX}{{3}}-{_HEX}{{4}}-{_HEX}{{12}}{_END})",
    rf"(?!{_MINUTE}{_END})(?:0[xX])?{_HEX}{{12}}{_END}",  # aabbccddeeff, 0xaabbccddeeff
    rf"(?!{_SECOND}{_END}){_HEX}{{6}}[-._:]{_HEX}{{6}}{_END}",  # aabbcc-ddeeff
    rf"{_HEX}{{4}}(?P<four>[-_]){_HEX}{{4}}(?P=four){_HEX}{{4}}{_END}",  # aabb-ccdd-eeff
    # aabb ccdd eeff, aabbcc ddeeff, but no years or amounts
    rf"(?=[0-9 ]{{0,12}}[A-Fa-f])(?:{_HEX}{{4}} {_HEX}{{4}} {_HEX}{{4}}|{_HEX}{{6}} {_HEX}{{6}}){_END}",
    _pairs("any", _BETWEEN),  # 12 34 56 78 90 12
    rf"(?!{_REST_OF_DATE})(?=[0-9]{{2}}[-._0-9]{{0,12}}{_COLON}){_MIXED}",  # 12:34:56-78:90:12
    rf"[0-9]{{15}}{_END}",  # IMEI
)


def _any_of(anywhere: tuple[str, ...], alone: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join((*anywhere, f"{_ALONE}(?:{'|'.join(alone)})")))


_IN_IDS = _any_of(_SPELLED, _SPELLED_ALONE)
_IN_TEXT = _any_of(_SPELLED, (*_SPELLED_ALONE, *_BARE_ALONE))

# Attributes of the envelope that must come out of a dead letter as they went in, or a replay is another event.
_IDS = frozenset({"id", "boot", "conn"})
_IMEI = range(10**14, 10**15)
# Without any separator an address has twelve digits at least.
_SHORTEST_BARE = 12


def scrub(text: str) -> str:
    """Return a text with every address replaced."""
    if len(text) < _SHORTEST_BARE and text.isalnum():
        return text
    if _IN_TEXT.search(text) is None:
        return text
    return _IN_TEXT.sub(lambda match: match["uuid"] or REMOVED, text)


def in_id(token: str) -> bool:
    """Whether an id holds an address that is spelled as one; bare digits in an id are taken for an id."""
    # Whatever is spelled as an address has a separator, and dashes alone only make one from the third on.
    return not token.replace("-", "", 2).isalnum() and _IN_IDS.search(token) is not None


def scrub_data(data: dict[str, object]) -> dict[str, object]:
    """Return an event's canonical data with every string scrubbed; the same object when there was nothing to do."""
    changed = {
        name: scrubbed
        for name, value in data.items()
        if isinstance(value, str) and (scrubbed := scrub(value)) is not value
    }
    return {**data, **changed} if changed else data


def scrub_document(said: Mapping[str, object]) -> str | None:
    """Return what a refused event said as JSON text, clean and scrubbed; None when it holds no JSON number (1e999)."""
    kept = {
        scrub(clean(name)): _IN_IDS.sub(REMOVED, clean(value))
        if name in _IDS and isinstance(value, str)
        else _scrubbed(name, value)
        for name, value in said.items()
    }
    try:
        return json.dumps(kept, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return None


def _scrubbed(name: str, value: object) -> object:
    if isinstance(value, str):
        return scrub(clean(value))
    if isinstance(value, dict):
        return {scrub(clean(key)): _scrubbed(key, part) for key, part in value.items()}
    if isinstance(value, list):
        return [_scrubbed(name, part) for part in value]
    if type(value) is int and value in _IMEI and "bytes" not in name:
        return REMOVED
    return value
