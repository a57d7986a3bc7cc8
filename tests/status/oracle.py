"""The decision table of docs/status.md for one instant, written as naively as it reads, and slowly.

Shares with the program only the nouns (signs, seen time, reasons) and the order of signs.
"""

from collections.abc import Iterable, Sequence

from services.status.models import Carry, Expectation, Reason, Seen, Sign, SignKind

FAR = 2**62


class Oracle:
    """Answers what the state was at an instant, as it is known at `until`."""

    def __init__(
        self,
        signs: Iterable[Sign],
        seen: Sequence[Seen],
        expectation: Expectation,
        *,
        until: int,
        carry: Carry | None = None,
    ) -> None:
        self.interval, self.offline_after = expectation.interval, expectation.offline_after
        self.limit = max(self.offline_after, self.interval + 15_000)
        self.carry = carry or Carry()
        self.until = until
        self.known = sorted({s for s in signs if s.received_at <= until}, key=lambda s: s.order)
        self.life = [s for s in self.known if s.kind != SignKind.OFFLINE]
        self.timely = [s for s in self.life if s.received_at - s.at <= 60_000]
        self.seen = [s for s in seen if s.starts_at <= until]
        growing = [
            s for s in self.seen if s.ends_at > until or (not s.closed and until - s.ends_at <= 15_000)
        ]
        newest = max((min(s.ends_at, until) for s in self.seen), default=-1)
        # We see now when an interval that still grows reaches, alone or through others, as far as any does.
        self.open = any(self._reach(min(s.ends_at, until)) >= newest for s in growing)
        self.proven = until
        if self.open:
            self.proven = max([newest, *[s.time for s in self.timely]])
        self.wills = [s for s in self.known if s.kind == SignKind.OFFLINE and self._counts(s)]

    # --- our own sight

    def _reach(self, instant: int) -> int:
        """How far unbroken sight goes from an instant that is seen."""
        ends = [
            min(s.ends_at, self.until)
            for s in self.seen
            if s.starts_at <= instant and min(s.ends_at, self.until) > instant
        ]
        return self._reach(max(ends)) if ends else instant

    def end_of_sight(self, instant: int) -> int | None:
        """Until when we could see without a break from this instant on, or None when it is blind."""
        newest = max((min(s.ends_at, self.until) for s in self.seen), default=-1)
        reach = self._reach(instant)
        started = any(s.starts_at <= instant for s in self.seen)
        if self.open and started and reach >= newest:
            return FAR
        return reach if reach > instant else None

    def start_of_sight(self, instant: int) -> int:
        """Since when we could see without a break, given that we see at this instant."""
        starts = [s.starts_at for s in self.seen if s.starts_at <= instant]
        return min(start for start in starts if (self.end_of_sight(start) or -1) > instant)

    def _listening(self, instant: int) -> bool:
        """Whether we see, or a timely sign not long before sight begins proves the time between."""
        heard = max((s.time for s in self.timely if s.time <= instant), default=-FAR)
        begins = [s.starts_at for s in self.seen if self.end_of_sight(s.starts_at) is not None]
        unseen = self.end_of_sight(heard) is None
        following = min((begin for begin in begins if begin > heard), default=FAR)
        joined = unseen and instant < following <= heard + 15_000
        return self.end_of_sight(instant) is not None or joined

    def _counts(self, will: Sign) -> bool:
        decided = will.time + 5_000
        end = self.end_of_sight(will.time)
        if end is None or min(end, self.proven) < decided:
            return False
        if any(s.time == will.time and s.order > will.order for s in self.timely):
            return False
        before = [s for s in self.timely if s.order < will.order]
        if before and before[-1].kind == SignKind.RESTARTING:
            return False
        births = [s for s in self.known if s.kind == SignKind.BIRTH and s.time <= decided]
        birth = births[-1] if births else self.carry
        boots_differ = will.boot is not None and birth.boot is not None and will.boot != birth.boot
        conns_differ = will.conn is not None and birth.conn is not None and will.conn != birth.conn
        return not boots_differ and not conns_differ

    # --- the table

    def at(self, instant: int) -> Reason:
        heard = self._by_timely(instant)
        if heard in {Reason.HEARD, Reason.LATE, Reason.UPLINK_REPORTED, Reason.RESTARTING}:
            return heard
        if self._alive_by_all(instant):
            return Reason.UPLINK_LOST if self._listening(instant) else Reason.HEARD
        return heard

    def _by_timely(self, instant: int) -> Reason:
        points = sorted([*self.timely, *self.wills], key=lambda s: s.order)
        before = [s for s in points if s.time <= instant]
        after = [s for s in points if s.time > instant]
        last = before[-1] if before else None
        following = after[0] if after else None
        end = following.time if following else FAR
        if last is not None and last.kind != SignKind.OFFLINE:
            both_sides = following is not None and following.kind != SignKind.OFFLINE
            if both_sides and end - last.time <= self.limit:
                return self._alive(last, instant)
            begins = [s.starts_at for s in self.seen if last.time < s.starts_at <= last.time + 15_000]
            sight, listened = self.end_of_sight(last.time), last.time
            if sight is None:
                ends = [(self.end_of_sight(start), start) for start in sorted(begins)]
                sight, listened = next((pair for pair in ends if pair[0] is not None), (None, listened))
            stop = min(end, sight) if sight is not None else last.time
            if instant < stop:
                silent = min(stop, self.proven) - listened > self.limit
                return Reason.SILENT if silent else self._alive(last, instant)
            return self._unheard(instant, stop, end)
        if last is not None:
            sight = self.end_of_sight(last.time)
            assert sight is not None
            if instant < min(end, sight):
                return Reason.OFFLINE
            return self._unheard(instant, min(end, sight), end)
        proofs = [s.time for s in (*self.life, *self.wills) if s.time <= instant]
        if not proofs:
            return Reason.NEVER_SEEN
        return self._unheard(instant, min(proofs), end)

    def _unheard(self, instant: int, start: int, end: int) -> Reason:
        sight = self.end_of_sight(instant)
        if sight is None:
            return Reason.NOT_WATCHED
        since = max(start, self.start_of_sight(instant))
        long = min(sight, end, self.proven) - since > self.limit
        return Reason.SILENT if long else Reason.UNPROVEN

    def _alive(self, last: Sign, instant: int) -> Reason:
        if last.kind == SignKind.RESTARTING:
            return Reason.RESTARTING
        if self._word(last) is False:
            return Reason.UPLINK_REPORTED
        late = last.time + min(self.interval * 3 // 2, self.offline_after)
        return Reason.LATE if min(instant, self.proven) >= late else Reason.HEARD

    def _word(self, last: Sign) -> bool | None:
        """What the newest heartbeat says of the uplink, unless it happened before the newest birth."""
        until = [s for s in self.known if s.order <= last.order]
        births = [s for s in until if s.kind == SignKind.BIRTH]
        beats = [s for s in until if s.kind == SignKind.HEARTBEAT and s in self.timely]
        if births and (not beats or beats[-1].order < births[-1].order):
            return None
        if not beats:
            return self.carry.uplink_ok
        born_at = births[-1].at if births else self.carry.born_at
        return None if born_at is not None and beats[-1].at < born_at else beats[-1].uplink_ok

    def _alive_by_all(self, instant: int) -> bool:
        before = [s for s in self.life if s.time <= instant]
        after = [s for s in self.life if s.time > instant]
        if not before or not after or after[0].time - before[-1].time > self.limit:
            return False
        return not any(before[-1].order < will.order and will.time <= instant for will in self.wills)
