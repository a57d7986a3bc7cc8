"""What a canary proves, and what it does not."""

from datetime import datetime, timedelta

from gateway.canary import Canary
from gateway.mqtt import Delivery
from services.log.store import Sight
from tests.support.villages import NOON

SECOND = timedelta(seconds=1)
JUST_AFTER = timedelta(milliseconds=1)


def back(
    canary: Canary, seconds: float, *, took: float = 0, generation: int = 1, payload: bytes | None = None
) -> Delivery:
    """Return the canary as it comes back, so many seconds after noon."""
    at: datetime = NOON + seconds * SECOND
    said = canary.payload(at - took * SECOND) if payload is None else payload
    return Delivery(canary.topic, said, retain=False, qos=1, mid=1, generation=generation, received_at=at)


def test_sight_begins_with_the_first_and_reaches_to_the_newest() -> None:
    canary = Canary(3)
    assert canary.see([]) is None
    assert canary.see([back(canary, 0)]) == Sight(NOON + JUST_AFTER, NOON + JUST_AFTER)
    assert canary.see([back(canary, 5), back(canary, 10)]) == Sight(NOON + JUST_AFTER, NOON + 10 * SECOND)


def test_a_gap_of_more_than_fifteen_seconds_begins_another() -> None:
    canary = Canary(3)
    canary.see([back(canary, 0)])
    assert canary.see([back(canary, 15)]) == Sight(NOON + JUST_AFTER, NOON + 15 * SECOND)
    again = NOON + 31 * SECOND + JUST_AFTER
    assert canary.see([back(canary, 31)]) == Sight(again, again)


def test_another_connection_begins_another() -> None:
    canary = Canary(3)
    canary.see([back(canary, 0)])
    again = NOON + SECOND + JUST_AFTER
    assert canary.see([back(canary, 1, generation=3)]) == Sight(again, again)


def test_one_that_was_long_on_its_way_or_is_not_ours_proves_nothing() -> None:
    canary = Canary(3)
    for payload in (b"", b"\xff\xfe", b"abc:1", Canary(3).payload(NOON), f"{canary.nonce}:soon".encode()):
        assert canary.see([back(canary, 0, payload=payload)]) is None
    assert canary.see([back(canary, 20, took=16)]) is None


def test_a_clock_that_is_set_back_begins_another_sight() -> None:
    canary = Canary(3)
    canary.see([back(canary, 0), back(canary, 10)])
    earlier = NOON + 4 * SECOND + JUST_AFTER
    assert canary.see([back(canary, 4)]) == Sight(earlier, earlier)


def test_sight_is_lost_with_its_connection() -> None:
    canary = Canary(3)
    canary.see([back(canary, 0)])
    since = NOON + JUST_AFTER
    assert canary.sees_since(since)
    assert canary.lose_sight() == since
    assert not canary.sees_since(since)
    assert canary.lose_sight() is None


def test_what_came_within_the_canarys_millisecond_came_before_we_could_see() -> None:
    """A broker that is back sends waiting wills first; in the same millisecond they are still old news."""
    canary = Canary(3)
    sight = canary.see([back(canary, 0)])
    assert sight is not None
    assert sight.since > NOON
    assert canary.see([back(canary, 0)]) == sight
