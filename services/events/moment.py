"""Moments as devices write them: RFC 3339 in, aware UTC in whole milliseconds out (rule R19)."""

import re
from datetime import UTC, datetime, timedelta

# RFC 3339 leaves the case of T and Z open, so both are taken; a space instead of T is not. The offset is
# required. Of the decimals the milliseconds count. `datetime.fromisoformat` alone would take much more.
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d[Tt][0-2]\d:[0-5]\d:)(\d\d)(?:\.(\d{1,20}))?([Zz]|[+-][0-2]\d:[0-5]\d)", re.ASCII
)
_MILLISECOND = timedelta(milliseconds=1)
# As `write` writes it and most devices do: read by the interpreter itself, a third of the time of judging one.
_CANONICAL = re.compile(r"(\d{4}-\d\d-\d\dT[0-2]\d:[0-5]\d:[0-5]\d\.\d{3})\d{0,17}Z", re.ASCII)


def whole_ms(moment: datetime) -> datetime:
    """Return an aware moment in UTC, cut (not rounded) to whole milliseconds."""
    if moment.tzinfo is UTC and moment.microsecond % 1000 == 0:
        return moment
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def parse(text: str) -> datetime | None:
    """Read an RFC 3339 date-time; None when it is not one.

    A leap second (23:59:60 UTC) is the last millisecond of its minute, since no clock here has one.
    """
    if canonical := _CANONICAL.fullmatch(text):
        try:
            return datetime.fromisoformat(f"{canonical[1]}Z")
        except ValueError:  # 30 February, hour 25
            return None
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    minute, second, fraction, offset = match.groups()
    leap = second == "60"
    try:
        moment = datetime.fromisoformat(
            f"{minute}{'59' if leap else second}{'Z' if offset == 'z' else offset}"
        )
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):  # 30 February, hour 25, or beyond the year 9999 in UTC
        return None
    if leap:
        return moment.replace(microsecond=999_000) if (moment.hour, moment.minute) == (23, 59) else None
    return moment + int(f"{fraction:0<3.3}") * _MILLISECOND if fraction else moment


def write(moment: datetime) -> str:
    """Write a moment the canonical way: 2026-06-03T08:15:00.123Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
