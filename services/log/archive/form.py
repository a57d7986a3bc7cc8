"""The form of an archive file: lines of JSON text, compressed with xz (docs/retention.md has it for readers).

The first line says whose events these are. Then blocks: a line with a device's columns, followed by a line for each of
its events, which is the event's data as the log had it. The last line has the number of events and a checksum.
A column is a list, or one value that holds for all events of its block.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import groupby
from typing import Any, NamedTuple

NAME = "bypunkt-events"
VERSION = 1
BLOCK = 5000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MILLI = 1000


class ArchiveRefused(Exception):
    """An archive file cannot be used; the message says which, and why."""


class Event(NamedTuple):
    """An event as the log has it. Times are microseconds since 1970; `data` is JSON text."""

    device: str
    position: int
    id: str
    type: str
    at: int
    received_at: int
    time: int | None
    boot: str | None
    conn: str | None
    seq: int | None
    data: str


@dataclass(frozen=True, slots=True)
class Heading:
    """Whose events a file holds: all that the log had of a municipality and class between two instants."""

    municipality: str
    lane: int
    retention: str
    starts_at: datetime
    ends_at: datetime


def heading_line(heading: Heading) -> str:
    """Return a file's first line."""
    return _json(
        {
            "format": NAME,
            "version": VERSION,
            "municipality": heading.municipality,
            "lane": heading.lane,
            "retention": heading.retention,
            "from": heading.starts_at.isoformat(),
            "to": heading.ends_at.isoformat(),
        }
    )


def block_lines(events: Sequence[Event]) -> Iterator[str]:
    """Return events, in order of their devices, as blocks of lines."""
    for device, of_device in groupby(events, key=lambda event: event.device):
        block = list(of_device)
        unit = _MILLI if all(_whole(event) for event in block) else 1
        yield _json(
            {
                "device": device,
                "events": len(block),
                "unit_us": unit,
                "at": _steps(event.at // unit for event in block),
                "received_after": _one([(event.received_at - event.at) // unit for event in block]),
                "time_after": _one(
                    [None if event.time is None else (event.time - event.at) // unit for event in block]
                ),
                "position": _steps(event.position for event in block),
                "type": _one([event.type for event in block]),
                "boot": _one([event.boot for event in block]),
                "conn": _one([event.conn for event in block]),
                "seq": _steps(event.seq for event in block),
                # Most ids are boot and seq joined: those are left out.
                "id": _one(
                    [None if event.id == _own_id(event.boot, event.seq) else event.id for event in block]
                ),
            }
        )
        for event in block:
            yield event.data


def last_line(events: int, digest: str) -> str:
    """Return a file's last line, given the SHA-256 of all lines before, each with its line feed."""
    return _json({"end": True, "events": events, "sha256": digest})


def read(lines: Iterable[str], *, name: str) -> Iterator[Heading | list[Event]]:
    """Return a file's heading, then its blocks; raises `ArchiveRefused` with its `name` when it is not whole."""
    try:
        yield from _read(iter(lines), name)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
        raise ArchiveRefused(f"{name} is no archive of events, or is damaged") from None


def _read(lines: Iterator[str], name: str) -> Iterator[Heading | list[Event]]:
    digest = sha256()
    first = _next(lines, name)
    digest.update(first.encode())
    heading = _heading(json.loads(first), name)
    yield heading
    total = 0
    while True:
        line = _next(lines, name)
        columns: dict[str, Any] = json.loads(line)
        if "end" in columns:
            break
        data = [_next(lines, name) for _ in range(columns["events"])]
        for text in (line, *data):
            digest.update(text.encode())
        block = _events(columns, [text.removesuffix("\n") for text in data])
        if any(not heading.starts_at <= moment(event.at) < heading.ends_at for event in block):
            raise ArchiveRefused(f"{name} holds an event that lies outside the time it says")
        total += len(block)
        yield block
    if (columns["events"], columns["sha256"]) != (total, digest.hexdigest()) or next(lines, None) is not None:
        raise ArchiveRefused(f"{name} does not hold what its last line says: it is damaged")


def moment(microseconds: int) -> datetime:
    """Return an instant."""
    return _EPOCH + microseconds * _MICROSECOND


def _next(lines: Iterator[str], name: str) -> str:
    line = next(lines, None)
    if line is None or not line.endswith("\n"):
        raise ArchiveRefused(f"{name} ends in the middle: it is damaged")
    return line


def _heading(said: dict[str, Any], name: str) -> Heading:
    if said.get("format") != NAME:
        raise ArchiveRefused(f"{name} is no archive of events")
    if said["version"] != VERSION:
        raise ArchiveRefused(
            f"{name} is an archive of version {said['version']}: this program knows {VERSION}"
        )
    starts_at, ends_at = (datetime.fromisoformat(said[key]).astimezone(UTC) for key in ("from", "to"))
    return Heading(str(said["municipality"]), int(said["lane"]), str(said["retention"]), starts_at, ends_at)


def _events(columns: dict[str, Any], data: Sequence[str]) -> list[Event]:
    count, unit = len(data), columns["unit_us"]
    at, position, seq = (_sums(columns[name], count) for name in ("at", "position", "seq"))
    received, time, kind, boot, conn, given = (
        _all(columns[name], count) for name in ("received_after", "time_after", "type", "boot", "conn", "id")
    )
    return [
        Event(
            device=columns["device"],
            position=position[n],
            id=given[n] if given[n] is not None else _own_id(boot[n], seq[n]),
            type=kind[n],
            at=at[n] * unit,
            received_at=(at[n] + received[n]) * unit,
            time=None if time[n] is None else (at[n] + time[n]) * unit,
            boot=boot[n],
            conn=conn[n],
            seq=seq[n],
            data=data[n],
        )
        for n in range(count)
    ]


def _whole(event: Event) -> bool:
    return not (event.at % _MILLI or event.received_at % _MILLI or (event.time or 0) % _MILLI)


def _own_id(boot: str | None, seq: int | None) -> str:
    return f"{boot}-{seq}"


def _one(values: list[Any]) -> Any:  # noqa: ANN401 - a column, or the value of all
    return values[0] if all(value == values[0] for value in values) else values


def _all(column: Any, count: int) -> list[Any]:  # noqa: ANN401 - as above
    values: list[Any] = column if isinstance(column, list) else [column] * count
    if len(values) != count:
        raise ValueError(count)
    return values


def _steps(values: Iterable[int | None]) -> Any:  # noqa: ANN401 - as above
    """Return numbers as the difference to the one before (of the first to 0); what is missing stays missing."""
    before, steps = 0, list[int | None]()
    for value in values:
        steps.append(None if value is None else value - before)
        before = before if value is None else value
    return _one(steps)


def _sums(column: Any, count: int) -> list[Any]:  # noqa: ANN401 - as above
    value, sums = 0, list[int | None]()
    for step in _all(column, count):
        value += step or 0
        sums.append(None if step is None else value)
    return sums


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
