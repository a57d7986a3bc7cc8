"""A brake on guessing passwords: so many tries for a login, then one a minute.

Kept in memory and for logins only: no address of a visitor is looked at. When the table is full the login that
was tried longest ago is forgotten, so it never grows; memory is a few hundred kilobytes at most.
"""

import math
from collections import OrderedDict
from collections.abc import Callable


class Brake:
    """`tries` at once for each login; after that one every `refill_s` seconds (at most 60 + `tries` an hour)."""

    def __init__(
        self, monotonic: Callable[[], float], *, tries: int = 10, refill_s: float = 60.0, logins: int = 5000
    ) -> None:
        self._monotonic = monotonic
        self._tries = tries
        self._refill_s = refill_s
        self._logins = logins
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def try_once(self, login: str) -> int:
        """Count one try; returns 0 when it may go ahead, else the whole seconds to wait."""
        now = self._monotonic()
        spent, since = self._spent.pop(login, (0.0, now))
        spent = max(0.0, spent - (now - since) / self._refill_s)
        allowed = spent + 1 <= self._tries
        self._spent[login] = (spent + 1 if allowed else spent, now)
        if len(self._spent) > self._logins:
            self._spent.popitem(last=False)
        return 0 if allowed else math.ceil((spent + 1 - self._tries) * self._refill_s)

    def forgive(self, login: str) -> None:
        """Forget the tries of a login that has signed in."""
        self._spent.pop(login, None)
