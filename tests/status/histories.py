"""Generated histories of one device, and of what we could see."""

from dataclasses import dataclass

from hypothesis import strategies as st

from services.status.models import Expectation, Seen, Sign, SignKind

KINDS = [SignKind.BIRTH, SignKind.OFFLINE, SignKind.RESTARTING, *[SignKind.HEARTBEAT] * 4, SignKind.OTHER]
LENGTH = 600_000


@dataclass(frozen=True)
class History:
    signs: tuple[Sign, ...]
    seen: tuple[Seen, ...]
    expectation: Expectation
    until: int


@st.composite
def signs(draw: st.DrawFn) -> Sign:
    """Mostly whole seconds, so that limits are met exactly and instants coincide."""
    kind = draw(st.sampled_from(KINDS))
    happened = draw(st.integers(0, LENGTH // 1000)) * 1000 + draw(st.sampled_from([0, 0, 0, 1, 999, 500]))
    delay = draw(st.sampled_from([0, 0, 0, 0, 50, 1000, 60_000, 60_001, 90_000, 200_000, -30_000, -300_000]))
    named = kind in {SignKind.BIRTH, SignKind.OFFLINE}
    return Sign(
        at=happened,
        received_at=max(happened + delay, 0),
        kind=kind,
        boot=draw(st.sampled_from([None, "b1", "b2"])) if named else None,
        conn=draw(st.sampled_from([None, "c1", "c2"])) if named else None,
        uplink_ok=draw(st.sampled_from([None, True, True, False])) if kind is SignKind.HEARTBEAT else None,
    )


@st.composite
def batches(draw: st.DrawFn) -> list[Sign]:
    """Signs of one device that was cut off and sends them all at once."""
    start = draw(st.integers(0, LENGTH // 1000)) * 1000
    step = draw(st.sampled_from([1000, 7000, 10_000, 15_000, 31_000]))
    count = draw(st.integers(1, 8))
    received = start + step * count + draw(st.sampled_from([0, 30_000, 60_000, 120_000]))
    return [Sign(start + step * n, received, SignKind.HEARTBEAT) for n in range(count)]


@st.composite
def seen_time(draw: st.DrawFn) -> tuple[Seen, ...]:
    """Mostly disjoint intervals, now and then touching or overlapping as when a lane changes hands."""
    pieces = []
    at = draw(st.sampled_from([-LENGTH, -20_000, 0, 30_000]))
    for _ in range(draw(st.integers(0, 5))):
        end = at + draw(st.integers(0, 300)) * 1000
        pieces.append(Seen(at, end, draw(st.booleans())))
        at = end + draw(st.sampled_from([-3000, 0, 1, 4000, 15_000, 16_000, 40_000, 100_000]))
    if draw(st.booleans()):
        pieces.append(
            Seen(
                at, max(at, LENGTH + draw(st.sampled_from([-20_000, -5000, 0, 50_000]))), draw(st.booleans())
            )
        )
    return tuple(pieces)


@st.composite
def histories(draw: st.DrawFn) -> History:
    """A device expected every ten seconds (or so) over ten minutes."""
    many = draw(st.lists(signs(), min_size=0, max_size=14))
    for batch in draw(st.lists(batches(), max_size=3)):
        many.extend(batch)
    beats_from = draw(st.integers(0, 500)) * 1000
    many.extend(
        Sign(at, at, SignKind.HEARTBEAT)
        for at in range(beats_from, beats_from + draw(st.integers(0, 12)) * 10_000, 10_000)
    )
    interval = draw(st.sampled_from([10, 10, 10, 1, 20]))
    expectation = Expectation.of_seconds(interval, draw(st.sampled_from([None, None, 30, 45, 12])))
    until = draw(st.sampled_from([LENGTH, LENGTH + 14_000, LENGTH // 2, LENGTH + 400_000]))
    return History(tuple(many), draw(seen_time()), expectation, until)
