"""Addresses of machines and people, taken out of whatever is to be kept: MAC, IPv4, IPv6, IMEI, URL query strings.

Privacy comes first where a text is ambiguous: a version of four numbers (1.2.3.4) reads like an IPv4 address and
goes. What stays: versions of up to three numbers (23.05.2) or with padded zeros (RUTX_R_00.07.06.10), dates and
times, also as twelve digits (202606030815), and UUIDs, unless of the versions that carry a MAC (1 and 6).
"""

import re
from typing import Final

from services.events.text import clean

REMOVED: Final = "[removed]"

_HEX: Final = "[0-9A-Fa-f]"
_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|0[0-9][0-9]|[1-9]?[0-9])"
_ALONE: Final = r"(?<![0-9A-Za-z])"
_END: Final = r"(?![0-9A-Za-z])"

# Spelled with separators: nothing but an address looks like this.
_SPELLED: Final = "|".join(
    (
        # aa:bb:cc:dd:ee:ff, 0:1b:2c:3:4:5, EUI-64, and IPv6 written out
        rf"{_HEX}{{1,4}}(?::{_HEX}{{1,4}}){{5,7}}(?:(?:\.[0-9]{{1,3}}){{3}})?(?:%\w+)?",
        # IPv6 with ::, perhaps with an IPv4 tail or a zone
        rf"{_ALONE}(?:{_HEX}{{1,4}}(?::{_HEX}{{1,4}}){{0,6}})?::(?:{_HEX}{{1,4}}(?::{_HEX}{{1,4}}){{0,6}})"
        r"(?:(?:\.[0-9]{1,3}){3})?(?:%\w+)?",
        rf"{_ALONE}{_HEX}{{1,4}}(?::{_HEX}{{1,4}}){{0,6}}::(?:%\w+)?",
        # aa-bb-cc-dd-ee-ff and with dots or underscores
        rf"{_ALONE}{_HEX}{{2}}([-._]){_HEX}{{2}}(?:\1{_HEX}{{2}}){{4}}{_END}",
        # aabb.ccdd.eeff, aabb:ccdd:eeff
        rf"{_ALONE}{_HEX}{{4}}([.:]){_HEX}{{4}}\2{_HEX}{{4}}{_END}",
        # 192.168.1.1
        rf"(?<![0-9]){_OCTET}(?:\.{_OCTET}){{3}}(?![0-9])",
    )
)
# Twelve or fifteen digits and nothing more: an address in a text, perhaps an innocent counter in an id.
_BARE: Final = "|".join(
    (
        # A date and time to the minute is no MAC.
        rf"{_ALONE}(?!20[0-9]{{2}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[01][0-9]|2[0-3])[0-5][0-9]{_END})"
        rf"{_HEX}{{12}}{_END}",
        # IMEI: 352099001761481, 35-209900-176148-1
        rf"{_ALONE}(?:[0-9]{{15}}|[0-9]{{2}}-[0-9]{{6}}-[0-9]{{6}}-[0-9]){_END}",
    )
)
_QUERY: Final = r"""(?<=[^\s?])\?[^\s"'<>\\]+"""
_UUID: Final = rf"(?P<uuid>{_ALONE}{_HEX}{{8}}-{_HEX}{{4}}-[02-57-9A-Fa-f]{_HEX}{{3}}-{_HEX}{{4}}-{_HEX}{{12}}{_END})"

_IN_IDS: Final = re.compile(_SPELLED)
_IN_TEXT: Final = re.compile("|".join((_SPELLED.replace(r"\1", r"(?P=dash)").replace("([-._])", "(?P<dash>[-._])")
    .replace(r"\2", r"(?P=dot)").replace("([.:])", "(?P<dot>[.:])"), _UUID, _BARE, _QUERY)))
