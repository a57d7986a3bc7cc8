"""The account of what a gateway takes in, in events: at every moment it adds up (check Q5).

received = stored + duplicate + dead-lettered + refused + returned + in hand

The first four outcomes are counted where they come about (services/log/store.py). What was judged and never stored,
because its lane was left or an error ended it, was not acknowledged either: it is returned, and received once more by
whoever holds the lane next.
"""

from prometheus_client import Counter, Gauge

RECEIVED = Counter("bypunkt_gateway_events_total", "Events received from the broker, as they were judged")
RETURNED = Counter(
    "bypunkt_gateway_events_returned_total",
    "Events left to the broker again, neither stored nor acknowledged",
)
IN_HAND = Gauge("bypunkt_gateway_events_in_hand", "Events that are judged and not stored yet")


class Tally:
    """The account of one lane, as long as somebody works in it."""

    def __init__(self) -> None:
        self._in_hand = 0

    def received(self, events: int) -> None:
        """Count events that were judged."""
        RECEIVED.inc(events)
        self._add(events)

    def settled(self, events: int) -> None:
        """Count events that have their outcome."""
        self._add(-events)

    def close(self) -> None:
        """Count what is left as returned; safe to call twice."""
        RETURNED.inc(self._in_hand)
        self._add(-self._in_hand)

    def _add(self, events: int) -> None:
        self._in_hand += events
        IN_HAND.inc(events)
