"""What the measured layer speaks of: signs, seen time, expectations, intervals.

Instants are integer milliseconds since 1970 UTC (`Millis`), so that every comparison is exact.
"""

import enum
from dataclasses import dataclass, replace
from datetime import timedelta

from services.log.lanes import BLIND_AFTER

Millis = int

PROOF_GAP: Millis = BLIND_AFTER // timedelta(milliseconds=1)
"""Two proofs of our path at most this far apart also prove the time between them."""

TIMELY_WITHIN: Millis = 60_000
"""A sign received at most this long after it happened was heard as it happened."""


class State(enum.StrEnum):
    """The four states of the measured layer."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    BLIND = "blind"


class Reason(enum.StrEnum):
    """Why a device is in its state; each reason belongs to one state."""

    HEARD = "heard"
    LATE = "late"
    UPLINK_LOST = "uplink_lost"
    UPLINK_REPORTED = "uplink_reported"
    RESTARTING = "restarting"
    OFFLINE = "offline"
    SILENT = "silent"
    NOT_WATCHED = "not_watched"
    UNPROVEN = "unproven"
    NEVER_SEEN = "never_seen"

    @property
    def state(self) -> State:
        """The state that this reason explains."""
        return _STATES[self]


_STATES = {
    Reason.HEARD: State.UP,
    Reason.LATE: State.DEGRADED,
    Reason.UPLINK_LOST: State.DEGRADED,
    Reason.UPLINK_REPORTED: State.DEGRADED,
    Reason.RESTARTING: State.DEGRADED,
    Reason.OFFLINE: State.DOWN,
    Reason.SILENT: State.DOWN,
    Reason.NOT_WATCHED: State.BLIND,
    Reason.UNPROVEN: State.BLIND,
    Reason.NEVER_SEEN: State.BLIND,
}


class SignKind(enum.StrEnum):
    """What a device let us hear; everything but `OFFLINE` is a sign of life."""

    BIRTH = "birth"
    OFFLINE = "offline"
    RESTARTING = "restarting"
    HEARTBEAT = "heartbeat"
    OTHER = "other"


_RANK = {SignKind.OFFLINE: 0, SignKind.RESTARTING: 1}
_UPLINK_RANK = {None: 0, True: 1, False: 2}

Order = tuple[Millis, Millis, int, tuple[bool, str], tuple[bool, str], int]


@dataclass(frozen=True, slots=True)
class Sign:
    """One event of a device, reduced to what its state depends on."""

    at: Millis
    received_at: Millis
    kind: SignKind
    boot: str | None = None
    conn: str | None = None
    uplink_ok: bool | None = None

    @property
    def timely(self) -> bool:
        """Whether it was heard as it happened; a clock that is ahead does not make a sign late."""
        return self.received_at - self.at <= TIMELY_WITHIN

    @property
    def time(self) -> Millis:
        """Its place on the timeline: our clock for what was heard in time, the device's for history."""
        return self.received_at if self.timely else self.at

    @property
    def life(self) -> bool:
        """Whether it shows that the device was alive at its time."""
        return self.kind is not SignKind.OFFLINE

    @property
    def order(self) -> Order:
        """A total order: by time, then device time (a batch arrives at one instant), life last."""
        return (
            self.time,
            self.at,
            _RANK.get(self.kind, 2),
            (self.conn is not None, self.conn or ""),
            (self.boot is not None, self.boot or ""),
            _UPLINK_RANK[self.uplink_ok],
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """A stretch of time over which our own path was proven; `closed` says that it will not grow."""

    starts_at: Millis
    ends_at: Millis
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Expectation:
    """How often a device is expected to be heard, and after how much silence it is down."""

    interval: Millis
    offline_after: Millis

    @classmethod
    def of_seconds(cls, interval: int, offline_after: int | None = None) -> "Expectation":
        """From the registry's whole seconds; silence of three intervals is down unless said."""
        return cls(interval * 1000, (offline_after or 3 * interval) * 1000)

    @property
    def late_after(self) -> Millis:
        """The silence after which a device that is not yet down counts as late."""
        return min(self.interval * 3 // 2, self.offline_after)

    @property
    def silent_after(self) -> Millis:
        """The silence after which a device is down.

        A stall of our own path shorter than `PROOF_GAP` leaves no mark in what we saw, and can hold back what a
        device sent by as much: so it is never less than that beyond the interval.
        """
        return max(self.offline_after, self.interval + PROOF_GAP)


@dataclass(frozen=True, slots=True)
class Carry:
    """What an anchor hands on from before it: the newest birth, and the word on the uplink since.

    `born_at` is the birth's time by the device's clock.
    """

    boot: str | None = None
    conn: str | None = None
    uplink_ok: bool | None = None
    born_at: Millis | None = None

    def after(self, sign: Sign) -> "Carry":
        """The same after one more sign.

        A birth begins anew; a heartbeat from before it was kept until then and says nothing of the uplink now.
        """
        if sign.kind is SignKind.BIRTH:
            return Carry(sign.boot, sign.conn, None, sign.at)
        if sign.kind is SignKind.HEARTBEAT and sign.timely:
            kept = self.born_at is not None and sign.at < self.born_at
            return replace(self, uplink_ok=None if kept else sign.uplink_ok)
        return self


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of one state and reason, `[starts_at, ends_at)`; the last one has no end."""

    starts_at: Millis
    ends_at: Millis | None
    reason: Reason

    @property
    def state(self) -> State:
        """The state of the whole stretch."""
        return self.reason.state


@dataclass(frozen=True, slots=True)
class Timeline:
    """The measured layer of one device as it is known at one instant.

    `next_change_at` is the instant at which it changes although nothing new arrives: proven time
    must reach it, so it may lie a few seconds back while the next canary is on its way.
    """

    intervals: tuple[Interval, ...]
    next_change_at: Millis | None
    last_sign_at: Millis | None
    carry: Carry
