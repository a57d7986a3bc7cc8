"""How long to wait before the next connection, and what a row of short ones means. Pure but for the jitter."""

from gateway.mqtt.errors import Ended, Trouble
from services.runtime.tasks import backoff_s

STEADY_S = 10.0  # a connection that was up this long starts the pauses from the beginning
MANY = 16  # so many attempts that the pause is the longest
SUSPICIOUS = 3


class Recovery:
    """Remembers how the last connections ended.

    Two clients with one id evict each other for ever, so the evicted one waits longest. MQTT 5 has a reason code
    for it, but Mosquitto 2.0.11 just closes, as every 3.1.1 broker does. So a row of connections that came up
    and were closed without a reason within seconds counts as eviction too.
    """

    def __init__(self) -> None:
        self._attempt = 0
        self._cut_short = 0
        self._evicted = False

    def judge(self, end: Ended, *, up_s: float | None) -> Ended:
        """What the end of a connection means; `up_s` is how long it was up, None if it never was."""
        steady = up_s is not None and up_s > STEADY_S
        self._attempt = 1 if steady else self._attempt + 1
        closed = end.trouble is Trouble.CLOSED and up_s is not None and not steady
        self._cut_short = self._cut_short + 1 if closed else 0
        if self._cut_short >= SUSPICIOUS:
            end = Ended(Trouble.EVICTED, f"closed without a reason {self._cut_short} times in a row")
        self._evicted = end.trouble is Trouble.EVICTED
        return end

    @property
    def pause_s(self) -> float:
        """Seconds to wait now: 0.2 doubling to 10, with jitter."""
        return backoff_s(MANY if self._evicted else self._attempt)
