"""What the signs heard in time say, stretch by stretch, before late history is laid over it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.status.models import Expectation, Millis, Reason
from services.status.watch import FOREVER, Piece, Watch


class Span(NamedTuple):
    """A stretch `[start, end)` for one reason; the last one ends at `FOREVER`."""

    start: Millis
    end: Millis
    reason: Reason


class Point(NamedTuple):
    """A sign that begins a new stretch; `reason` is what it says: heard, restarting, … or offline."""

    time: Millis
    reason: Reason


@dataclass(frozen=True, slots=True)
class Hearing:
    """What stretches are judged by; `proven` is how far time is proven, nothing is judged beyond it."""

    watch: Watch
    expectation: Expectation
    proven: Millis

    def stretches(self, start: Millis, first_proof: Millis, points: Sequence[Point]) -> list[Span]:
        """The whole line from `start` to `FOREVER`.

        `first_proof` is the time of the first sign that says anything at all; late history can lie before
        the first point.
        """
        first = points[0].time if points else FOREVER
        spans = []
        if start < first_proof:
            spans.append(Span(start, first_proof, Reason.NEVER_SEEN))
        spans.extend(self._unheard(first_proof, first))
        for index, point in enumerate(points):
            following = points[index + 1] if index + 1 < len(points) else Point(FOREVER, Reason.OFFLINE)
            if point.time < following.time:
                spans.extend(self._between(point, following))
        return spans

    def next_judgement(self, last: Span, last_point: Millis | None, will_at: Millis | None) -> Millis | None:
        """When the last stretch changes although nothing is heard, if it does."""
        if not self.watch.open:
            return None
        silent_from = last.start if last.reason is Reason.UNPROVEN else last_point
        candidates = [] if will_at is None or last.reason is Reason.OFFLINE else [will_at]
        if last.reason is Reason.HEARD and silent_from is not None:
            candidates.append(silent_from + self.expectation.late_after)
        if last.reason in _UNTIL_SILENCE and silent_from is not None:
            listened_from = max(silent_from, self.watch.pieces[-1][0])
            candidates.append(listened_from + self.expectation.silent_after + 1)
        return min((instant for instant in candidates if instant > self.proven), default=None)

    def _between(self, point: Point, following: Point) -> Iterator[Span]:
        start, end = point.time, following.time
        closed_by_life = end < FOREVER and following.reason is not Reason.OFFLINE
        if point.reason is not Reason.OFFLINE and closed_by_life and not self._silence(start, end):
            yield from self._alive(start, end, point.reason)
            return
        piece = self._first_piece(point)
        if piece is not None:
            stop = min(end, piece[1])
            if point.reason is Reason.OFFLINE:
                yield Span(start, stop, Reason.OFFLINE)
            elif self._silence(max(start, piece[0]), stop):  # before the piece nobody listened
                yield Span(start, stop, Reason.SILENT)
            else:
                yield from self._alive(start, stop, point.reason)
            start = stop
        yield from self._unheard(start, end)

    def _first_piece(self, point: Point) -> Piece | None:
        if point.reason is Reason.OFFLINE:
            return self.watch.piece_at(point.time)
        return self.watch.piece_joined_to(point.time)

    def _alive(self, start: Millis, end: Millis, reason: Reason) -> Iterator[Span]:
        late_at = start + self.expectation.late_after
        if reason is Reason.HEARD and late_at < end and late_at <= self.proven:
            yield Span(start, late_at, Reason.HEARD)
            yield Span(late_at, end, Reason.LATE)
        else:
            yield Span(start, end, reason)

    def _unheard(self, start: Millis, end: Millis) -> Iterator[Span]:
        """Time without a sign: unseen it is blind, and a short piece of seen time proves nothing."""
        for piece_start, piece_end in self.watch.pieces_between(start, end):
            if start < piece_start:
                yield Span(start, piece_start, Reason.NOT_WATCHED)
            silent = self._silence(piece_start, piece_end)
            yield Span(piece_start, piece_end, Reason.SILENT if silent else Reason.UNPROVEN)
            start = piece_end
        if start < end:
            yield Span(start, end, Reason.NOT_WATCHED)

    def _silence(self, start: Millis, end: Millis) -> bool:
        """Whether a stretch without a sign, as far as it is proven, is longer than a living device allows."""
        return min(end, self.proven) - start > self.expectation.silent_after


_UNTIL_SILENCE = {Reason.HEARD, Reason.LATE, Reason.RESTARTING, Reason.UPLINK_REPORTED, Reason.UNPROVEN}
