"""Addresses that nobody may keep, and a search for them in whatever form: spelled, turned round, coded or hashed."""

import base64
import hashlib
import ipaddress
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

SEED = 20_260_603
# No trace is shorter.
_PREFIX = 6
_HASHES = ("md5", "sha1", "sha256")


@dataclass(frozen=True, slots=True)
class Visitor:
    """What the machine of somebody who does not exist is known by."""

    mac: bytes
    v4: ipaddress.IPv4Address
    v6: ipaddress.IPv6Address

    def spelled(self) -> list[str]:
        """Return the addresses as machines and people write them."""
        return [*_spelled(self.mac), str(self.v4), str(self.v6), self.v6.exploded, str(self.v6).upper()]

    def spelled_out(self) -> list[str]:
        """Return those that look like nothing but an address: in an id, digits and up to two dashes may be anything."""
        return [text for text in self.spelled() if not text.replace("-", "", 2).isalnum()]


def visitors(count: int) -> list[Visitor]:
    """Return visitors, the same at each call; each MAC has a letter, so that it is no date."""
    chance = random.Random(SEED)
    return [
        Visitor(
            bytes([chance.randrange(0xA0, 0x100), *chance.randbytes(4), chance.randrange(0xA0, 0x100)]),
            ipaddress.IPv4Address(chance.randrange(0x0B000000, 0xDF000000)),
            ipaddress.IPv6Address((0x2A02 << 112) + chance.getrandbits(112)),
        )
        for _ in range(count)
    ]


class Search:
    """Finds traces of visitors in a text, wherever they stand in it. Bytes are looked at as Latin-1."""

    def __init__(self, known: Iterable[Visitor]) -> None:
        self._exact: dict[str, set[str]] = defaultdict(set)
        self._folded: dict[str, set[str]] = defaultdict(set)
        for visitor in known:
            for trace, folded in traces(visitor):
                (self._folded if folded else self._exact)[trace[:_PREFIX]].add(trace)

    def found(self, text: str) -> set[str]:
        """Return the traces that stand in a text."""
        return _found(text, self._exact) | _found(text.lower(), self._folded)


def traces(visitor: Visitor) -> Iterator[tuple[str, bool]]:
    """Yield each form that a visitor's addresses may have been given, and whether upper case is the same."""
    raw = [visitor.mac, visitor.mac[::-1], visitor.v4.packed, visitor.v6.packed, visitor.v6.packed[::-1]]
    spelled = [
        *_spelled(visitor.mac), *_spelled(visitor.mac[::-1]),
        str(visitor.v4), str(visitor.v6), visitor.v6.exploded, visitor.v6.packed.hex(),
    ]  # fmt: skip
    texts = {form for text in spelled for form in (text, text.lower(), text.upper())}
    for text in texts:
        yield text.lower(), True
    # Four bytes alone are found in anything.
    yield from ((one.decode("latin-1"), False) for one in raw if len(one) > 4)
    for one in (*raw, *(text.encode() for text in texts)):
        for code in (base64.b64encode, base64.urlsafe_b64encode):
            yield code(one).decode(), False
        for name in _HASHES:
            digest = hashlib.new(name, one, usedforsecurity=False)
            yield digest.hexdigest(), True
            yield base64.b64encode(digest.digest()).decode().rstrip("="), False


def _spelled(mac: bytes) -> list[str]:
    pairs = [f"{octet:02x}" for octet in mac]
    plain = "".join(pairs)
    lower = [
        *(mark.join(pairs) for mark in ":-._ "),
        *(mark.join((plain[:4], plain[4:8], plain[8:])) for mark in ".:-"),
        f"{plain[:6]}-{plain[6:]}",
        plain,
    ]
    return [*lower, *(text.upper() for text in lower)]


def _found(text: str, known: dict[str, set[str]]) -> set[str]:
    return {
        trace
        for start in range(len(text) - _PREFIX + 1)
        if (begins := text[start : start + _PREFIX]) in known
        for trace in known[begins]
        if text.startswith(trace, start)
    }
