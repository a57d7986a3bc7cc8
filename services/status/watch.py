"""What we could see: the observer intervals of a lane, brought into one shape."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from services.status.models import PROOF_GAP, Millis, Seen

FOREVER: Millis = 2**62
"""The end of what has not ended."""

Piece = tuple[Millis, Millis]


@dataclass(frozen=True, slots=True)
class Watch:
    """Seen time at one instant: sorted, disjoint pieces `[from, to)`; the rest is blind.

    When the last piece is still growing it ends at `FOREVER`, but is proven only until `horizon`,
    the newest canary; when we are blind the horizon is the instant itself, as blind time needs no proof.
    """

    pieces: tuple[Piece, ...]
    horizon: Millis

    @property
    def open(self) -> bool:
        """Whether we can see now."""
        return bool(self.pieces) and self.pieces[-1][1] == FOREVER

    def proven_until(self, heard_at: Millis | None) -> Millis:
        """How far the time of a device is proven that was last heard then: its own sign is a proof too."""
        return max(self.horizon, heard_at) if heard_at is not None and self.open else self.horizon

    def piece_at(self, instant: Millis) -> Piece | None:
        """The seen piece that holds this instant."""
        index = self._index_at(instant)
        return self.pieces[index] if index >= 0 and instant < self.pieces[index][1] else None

    def piece_joined_to(self, heard_at: Millis) -> Piece | None:
        """The seen piece that holds this sign of life, or begins so soon after it that no gap is left."""
        held = self.piece_at(heard_at)
        following = self._index_at(heard_at) + 1
        if (
            held is None
            and following < len(self.pieces)
            and self.pieces[following][0] - heard_at <= PROOF_GAP
        ):
            return self.pieces[following]
        return held

    def pieces_between(self, start: Millis, end: Millis) -> list[Piece]:
        """The seen pieces within `[start, end)`, cut to it."""
        found: list[Piece] = []
        if start >= end:
            return found
        for index in range(max(self._index_at(start), 0), len(self.pieces)):
            piece_start, piece_end = self.pieces[index]
            if piece_start >= end:
                break
            if piece_end > start:
                found.append((max(piece_start, start), min(piece_end, end)))
        return found

    def _index_at(self, instant: Millis) -> int:
        """The index of the last piece that starts at or before this instant, or -1."""
        return bisect_right(self.pieces, (instant, FOREVER)) - 1


def watch_at(seen: Iterable[Seen], until: Millis) -> Watch:
    """Seen time as it is known at `until`: what lies later is cut off, what touches is one piece.

    The last piece is still growing when one of its observations goes on beyond `until`, or is not closed and
    proven at most `PROOF_GAP` before it.
    """
    pieces: list[Piece] = []
    growing = False
    for piece in sorted(seen, key=lambda piece: (piece.starts_at, piece.ends_at)):
        if piece.starts_at > until:
            break
        start, end = piece.starts_at, min(piece.ends_at, until)
        grows = piece.ends_at > until or (not piece.closed and until - piece.ends_at <= PROOF_GAP)
        if pieces and start <= pieces[-1][1]:
            pieces[-1] = (pieces[-1][0], max(pieces[-1][1], end))
            growing = growing or grows
        else:
            pieces.append((start, end))
            growing = grows
    horizon = pieces[-1][1] if growing else until
    if growing:
        pieces[-1] = (pieces[-1][0], FOREVER)
    return Watch(tuple((start, end) for start, end in pieces if start < end), horizon)
