"""Instants of the database as the exact milliseconds of the rules, and back."""

from datetime import UTC, datetime, timedelta

from services.status.models import Millis

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEVER: Millis = 253_402_300_000_000
"""The end of the calendar."""
_MILLISECOND = timedelta(milliseconds=1)


def millis(moment: datetime) -> Millis:
    """An aware datetime in milliseconds since 1970 UTC, cut to whole ones."""
    return (moment - EPOCH) // _MILLISECOND


def moment(instant: Millis) -> datetime:
    """Milliseconds since 1970 as an aware UTC datetime."""
    return EPOCH + timedelta(milliseconds=instant)


def maybe_millis(moment: datetime | None) -> Millis | None:
    """The milliseconds of a moment that may not exist."""
    return None if moment is None else millis(moment)


def maybe_moment(instant: Millis | None) -> datetime | None:
    """The same for an instant that may not exist."""
    return None if instant is None else moment(instant)
