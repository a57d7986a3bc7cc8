"""How much of the observer intervals the lane's status rests on, as a short mark beside it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.status.models import PROOF_GAP, Millis, Seen
from services.status.watch import Watch


@dataclass(frozen=True, slots=True)
class Turned:
    """Our sight has changed once: the one from `since` (or earlier) to `until` has ended, or it has begun (`open`)."""

    open: bool
    since: Millis
    until: Millis


@dataclass(frozen=True, slots=True)
class Observed:
    """Whether we could see, and until when: the newest canary, or the end of sight when we are blind.

    An observation is only ever lengthened or closed, and new ones come after: so what lies before `until` stays
    as it is, and the mark tells whether anything but the growth of the newest one has happened since.
    """

    open: bool
    until: Millis

    @classmethod
    def by(cls, seen: Sequence[Seen], watch: Watch, *, as_of: Millis) -> "Observed":
        """The mark of what is known now: the newest observations, and the same brought into shape."""
        ends = (min(piece.ends_at, as_of) for piece in seen if piece.starts_at <= as_of)
        return cls(open=watch.open, until=max(ends, default=0))

    @classmethod
    def parse(cls, text: str) -> "Observed":
        """The mark from its text, `open 1789560000000` or `blind 1789560000000`."""
        word, _, until = text.partition(" ")
        return cls(open=word == "open", until=int(until or 0))

    def text(self) -> str:
        """The mark as it is stored."""
        return f"{'open' if self.open else 'blind'} {self.until}"

    def holds_in(self, watch: Watch) -> bool:
        """Whether sight has only gone on since, or blindness; `watch` holds what reaches `until` and later."""
        if not self.open:
            return not watch.open and (not watch.pieces or watch.pieces[-1][1] <= self.until)
        return watch.open and watch.pieces[-1][0] <= self.until

    def turned_in(self, watch: Watch) -> Turned | None:
        """What has happened to our sight since, when it is that it ended, or began, once."""
        beyond = self.until if self.open else self.until + 1  # what ended there is what we saw before
        new = [piece for piece in watch.pieces if piece[1] >= beyond]
        if len(new) != 1:
            return None
        start, end = new[0]
        if self.open and not watch.open and start <= self.until:
            return Turned(open=False, since=start, until=end)
        if not self.open and watch.open and start > self.until:
            return Turned(open=True, since=start, until=watch.horizon)
        return None

    def settled_in(self, watch: Watch, *, as_of: Millis) -> Millis:
        """Until when time and sight have left everything as it was judged under this mark."""
        if self.open:
            return self.until
        new = next((max(start, self.until) for start, end in watch.pieces if end > self.until), None)
        # A sign shortly before sight begins is joined to it.
        return as_of if new is None else new - PROOF_GAP

    def applied_to(self, seen: Iterable[Seen]) -> list[Seen]:
        """The observations as they were when the mark was made."""
        return [
            Seen(
                piece.starts_at,
                min(piece.ends_at, self.until),
                closed=not self.open or piece.ends_at < self.until,
            )
            for piece in seen
            if piece.starts_at <= self.until
        ]
