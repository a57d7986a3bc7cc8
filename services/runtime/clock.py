"""The one way to ask what time it is, so that tests can answer."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def whole_milliseconds(instant: datetime) -> datetime:
    """Cut an instant to whole milliseconds, the resolution of everything that is stored."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def now() -> datetime:
    """Return the present as aware UTC in whole milliseconds."""
    return whole_milliseconds(datetime.now(UTC))
