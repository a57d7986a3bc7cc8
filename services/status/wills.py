"""Which offline signs count: last wills, and devices that say good-bye."""

from bisect import bisect_right
from collections.abc import Sequence

from services.status.models import Carry, Millis, Sign, SignKind
from services.status.watch import Watch

WILL_WAITS: Millis = 5_000
"""A newer birth within this time takes a will back."""


def counted_wills(
    signs: Sequence[Sign], watch: Watch, *, proven: Millis, carry: Carry
) -> tuple[list[Sign], Millis | None]:
    """The offline signs that take effect, and when the first that still waits will have waited enough.

    `signs` are sorted by `Sign.order`. A will counts when we could see from its time until the wait was
    over and no newer birth than the one it names was heard by then, unless the device had said that it
    restarts, or was alive after it at the same instant.
    """
    births = [sign for sign in signs if sign.kind is SignKind.BIRTH]
    birth_times = [birth.time for birth in births]
    alive_at = {sign.time: sign.order for sign in signs if sign.life and sign.timely}
    counted: list[Sign] = []
    waiting: list[Millis] = []
    restarting = False
    for sign in signs:
        if sign.life:
            restarting = sign.kind is SignKind.RESTARTING if sign.timely else restarting
            continue
        decided_at = sign.time + WILL_WAITS
        newest = bisect_right(birth_times, decided_at) - 1
        piece = watch.piece_at(sign.time)
        outlived = alive_at.get(sign.time, sign.order) > sign.order
        birth = births[newest] if newest >= 0 else carry
        if restarting or outlived or piece is None or not _names(sign, birth):
            continue
        if min(piece[1], proven) >= decided_at:
            counted.append(sign)
        elif piece[1] > decided_at:
            waiting.append(decided_at)
    return counted, min(waiting, default=None)


def _names(will: Sign, birth: Sign | Carry) -> bool:
    """Whether the will is of this birth, as far as both say which boot and connection they are of."""
    return all(
        named is None or born is None or named == born
        for named, born in ((will.boot, birth.boot), (will.conn, birth.conn))
    )
