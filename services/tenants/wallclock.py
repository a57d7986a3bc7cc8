"""The Swedish wall clock: its times and days as instants, in milliseconds since 1970 UTC.

One rule for the two nights of the year, so that what lies from one time to another covers every instant that bears a
time between them: what the clock skips in March means the instant after the gap; of what it shows twice in October, a
start means the first and an end the second.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from services.runtime.spans import Span

SWEDEN = ZoneInfo("Europe/Stockholm")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def starts_at(wall: datetime) -> int:
    """The instant at which something starts that is to start at this time of the wall clock (naive)."""
    return _instant(wall, fold=0)


def ends_at(wall: datetime) -> int:
    """The instant at which something ends that is to end at this time of the wall clock (naive)."""
    return _instant(wall, fold=1)


@lru_cache(maxsize=16_384)
def midnight(day: date) -> int:
    """The instant at which a local day begins."""
    return starts_at(datetime.combine(day, time()))


def whole_days(first: date, last: date) -> Span:
    """The local days from `first` to `last`, both included; a day has 23, 24 or 25 hours."""
    return Span(midnight(first), midnight(last + timedelta(days=1)))


def milliseconds(moment: datetime) -> int:
    """An aware moment, cut to whole milliseconds."""
    return (moment - _EPOCH) // _MILLISECOND


def swedish(instant: int) -> datetime:
    """An instant as an aware moment on the Swedish clock."""
    return (_EPOCH + timedelta(milliseconds=instant)).astimezone(SWEDEN)


def _instant(wall: datetime, *, fold: int) -> int:
    moment = wall.replace(tzinfo=SWEDEN, fold=fold).astimezone(UTC)
    if moment.astimezone(SWEDEN).replace(tzinfo=None) != wall:
        # The clock moves from one whole hour to another, so the gap ends at the next one.
        return _instant(wall.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1), fold=fold)
    return milliseconds(moment)
