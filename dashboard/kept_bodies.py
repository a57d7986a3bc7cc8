"""Feeds as they were last sent, ready to be sent again; bounded: what was not asked for longest is made anew."""

import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_MOST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Body:
    """A feed's bytes, their tag, and when they became what they are (whole seconds)."""

    plain: bytes
    packed: bytes
    etag: str
    modified: datetime

    @property
    def size(self) -> int:
        """Bytes of memory it takes."""
        return len(self.plain) + len(self.packed)


class KeptBodies:
    """One body an address; a body is made again only when the state of things it shows has changed."""

    def __init__(self, *, most_bytes: int = _MOST_BYTES) -> None:
        self._most = most_bytes
        self._size = 0
        self._kept: OrderedDict[Hashable, tuple[Hashable, Body]] = OrderedDict()

    def get(
        self, address: Hashable, state_of_things: Hashable, make: Callable[[], bytes], *, now: datetime
    ) -> Body:
        """The body for an address as of this state of things."""
        known, last = self._kept.get(address, (None, None))
        if last is None or known != state_of_things:
            body = _renewed(last, make(), now)
            self._size += body.size - (last.size if last else 0)
            self._kept[address] = (state_of_things, body)
        else:
            body = last
        self._kept.move_to_end(address)
        while self._size > self._most and len(self._kept) > 1:
            self._size -= self._kept.popitem(last=False)[1][1].size
        return body


def _renewed(last: Body | None, plain: bytes, now: datetime) -> Body:
    # Weak: packed and plain are two representations of one meaning (RFC 9110, 8.8.1).
    etag = f'W/"{hashlib.sha256(plain).hexdigest()[:24]}"'
    if last is not None and last.etag == etag:
        return last
    modified = now.astimezone(UTC).replace(microsecond=0)
    if last is not None and modified <= last.modified:
        # Two changes in one second must not look alike to someone who only compares times.
        modified = last.modified + timedelta(seconds=1)
    return Body(plain, gzip.compress(plain, compresslevel=6, mtime=0), etag, modified)
