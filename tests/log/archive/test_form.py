"""Whatever the log may hold comes out of an archive as it went in; whatever is damaged is refused."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.log.archive.form import (
    ArchiveRefused,
    Event,
    Heading,
    block_lines,
    heading_line,
    last_line,
    moment,
    read,
)

HEADING = Heading("0781", 7, "standard", datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC))
FIRST = 1_704_067_200_000_000
TIMES = st.integers(min_value=FIRST, max_value=FIRST + 31 * 86_400_000_000 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
EVENTS = st.builds(
    Event,
    device=st.sampled_from(["hs-a-1", "hs-b-1"]),
    position=st.integers(min_value=-(2**63), max_value=2**63 - 1),
    id=TEXTS | st.sampled_from(["b-1", "None-None", "b-None"]),
    type=TEXTS,
    at=TIMES,
    received_at=TIMES,
    time=st.none() | TIMES,
    boot=st.none() | st.just("b") | TEXTS,
    conn=st.none() | TEXTS,
    seq=st.none() | st.integers(min_value=0, max_value=2**63 - 1),
    data=st.dictionaries(TEXTS, JSON, max_size=3).map(json.dumps),
)


def written(events: list[Event]) -> list[str]:
    """Return a file's lines."""
    lines = [f"{line}\n" for line in (heading_line(HEADING), *block_lines(events))]
    return [*lines, f"{last_line(len(events), sha256(''.join(lines).encode()).hexdigest())}\n"]


def events_in(lines: list[str]) -> list[Event]:
    """Return the events of a file."""
    return [event for piece in read(lines, name="x") if isinstance(piece, list) for event in piece]


@given(st.lists(EVENTS, max_size=12).map(lambda events: sorted(events, key=lambda event: event.device)))
def test_whatever_the_log_holds_comes_out_as_it_went_in(events: list[Event]) -> None:
    lines = written(events)
    assert next(read(lines, name="x")) == HEADING
    assert events_in(lines) == events


def _event(second: int) -> Event:
    at = FIRST + second * 1_000_000
    return Event(
        "hs-a-1", second, f"b-{second}", "device.heartbeat", at, at + 40_000, at, "b", "c", second, "{}"
    )


def test_what_follows_from_the_rest_takes_no_room() -> None:
    columns = json.loads(next(block_lines([_event(second) for second in (10, 11, 12)])))
    assert columns["at"] == [FIRST // 1000 + 10_000, 1000, 1000]
    assert {name: columns[name] for name in ("id", "boot", "type", "received_after", "time_after", "unit_us")} == {
        "id": None, "boot": "b", "type": "device.heartbeat", "received_after": 40, "time_after": 0, "unit_us": 1000,
    }  # fmt: skip


def _damages() -> Iterator[tuple[str, list[str]]]:
    lines = written([_event(1), _event(2)])
    yield "empty", []
    yield "other text", ["hello\n"]
    yield "other JSON", ["[1]\n"]
    yield "deep", ["[" * 100_000 + "\n"]
    yield "no end", lines[:-1]
    yield "cut off", [*lines[:-1], lines[-1][:-1]]
    yield "an event less", [*lines[:-2], lines[-1]]
    yield "other data", [*lines[:-2], '{"a":1}\n', lines[-1]]
    yield "more behind", [*lines, lines[1]]
    yield "another version", [lines[0].replace('"version":1', '"version":2'), *lines[1:]]
    yield "no time", [lines[0].replace('"from"', '"vom"'), *lines[1:]]


@pytest.mark.parametrize("damage", [pytest.param(lines, id=name) for name, lines in _damages()])
def test_what_is_damaged_is_refused_by_its_name(damage: list[str]) -> None:
    with pytest.raises(ArchiveRefused, match=r"^x "):
        list(read(damage, name="x"))


def test_an_event_outside_the_time_of_its_file_is_refused() -> None:
    with pytest.raises(ArchiveRefused, match="outside the time"):
        events_in(written([_event(-1)]))


def test_an_instant_is_exact() -> None:
    assert moment(FIRST + 1) == datetime(2024, 1, 1, microsecond=1, tzinfo=UTC)
