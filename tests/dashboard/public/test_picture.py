"""The shared picture of all points: how often it is read, what counts as a change, and what is said of it."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.map_view import MapView
from dashboard.points import PointView, PublicPoints, changed, point_event
from dashboard.states import count_words, device_words, week_words
from dashboard.words import device_kind_words, in_order, kind_words, service_words
from services.status.points import PointState
from services.tenants.hours import week_of
from services.tenants.models import ServiceType
from services.tenants.public import PublicDevice, PublicMunicipality, PublicPoint, Villages

NOON = datetime(2026, 11, 18, 11, tzinfo=UTC)
LJUNGBY = PublicMunicipality("0781", "Ljungby", "Kronoberg", ("sv",), 56.83, 13.94)
LAGAN = PublicPoint(
    municipality="0781",
    id="dp-lagan",
    kind="digital",
    names={"sv": "Lagan", "en": "Lagan point"},
    locality_names={"sv": "Lagan"},
    lat=56.91,
    lon=13.98,
    opening_hours="24/7",
    services=("wifi",),
    status="active",
    synthetic=True,
    updated_at=NOON,
)
HOTSPOT = PublicDevice("0781", "dp-lagan", "hotspot", "up", "heard", NOON, NOON)


class Registry:
    """What would be read from the database, and how often it was."""

    def __init__(self) -> None:
        self.now = NOON
        self.hotspot = HOTSPOT
        self.reads = 0
        self.failure: Exception | None = None
        self.hangs = False

    async def read(self) -> Villages:
        self.reads += 1
        await asyncio.sleep(0)
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure:
            raise self.failure
        return Villages((LJUNGBY,), (LAGAN,), (self.hotspot,))

    def points(self) -> PublicPoints:
        return PublicPoints(self.read, lambda: self.now)


async def test_many_who_ask_at_once_share_one_reading() -> None:
    registry = Registry()
    points = registry.points()
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(points.current()) for _ in range(50)]
    assert registry.reads == 1
    assert len({id(task.result()) for task in asked}) == 1


async def test_picture_is_read_again_when_old_or_forgotten() -> None:
    registry = Registry()
    points = registry.points()
    await points.current()
    registry.now += timedelta(seconds=1.9)
    await points.current()
    assert registry.reads == 1
    points.forget()
    await points.current()
    registry.now += timedelta(seconds=2)
    await points.current()
    assert registry.reads == 3


async def test_version_counts_what_is_shown_not_how_often_it_was_read() -> None:
    registry = Registry()
    points = registry.points()
    first = await points.current()
    registry.now += timedelta(minutes=1)
    registry.hotspot = replace(HOTSPOT, last_sign_at=registry.now)
    heard_again = await points.current()
    assert (heard_again.version, changed(first, heard_again)) == (first.version, [])
    assert heard_again.views[0].status.last_sign_at == registry.now
    registry.now += timedelta(minutes=1)
    registry.hotspot = replace(HOTSPOT, state="down", reason="silent", since=registry.now)
    down = await points.current()
    assert down.version == first.version + 1
    assert [point_event(view, registry.now) for view in changed(heard_again, down)] == [
        {
            "id": "dp-lagan",
            "municipality": "0781",
            "state": "down",
            "text_sv": "Ingen kontakt sedan 12:02",
            "text_en": "No contact since 12:02",
            "since": "2026-11-18T11:02:00.000Z",
        }
    ]


async def test_last_picture_is_kept_while_the_database_is_away() -> None:
    registry = Registry()
    points = registry.points()
    first = await points.current()
    registry.now += timedelta(minutes=10)
    registry.failure = ConnectionRefusedError()
    assert await points.current() is first
    registry.failure = None
    registry.now += timedelta(seconds=2)
    assert (await points.current()).taken_at == registry.now


async def test_database_that_hangs_is_waited_for_once_not_by_each_who_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dashboard.points._PATIENCE_S", 0.05)
    registry = Registry()
    points = registry.points()
    first = await points.current()
    registry.now += timedelta(minutes=10)
    registry.hangs = True
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(points.current()) for _ in range(20)]
    assert all(task.result() is first for task in asked)
    assert registry.reads == 2
    registry.hangs = False
    registry.now += timedelta(seconds=2)
    assert (await points.current()).taken_at == registry.now


async def test_clock_that_steps_back_does_not_hold_the_picture() -> None:
    registry = Registry()
    points = registry.points()
    await points.current()
    registry.now -= timedelta(hours=1)
    assert (await points.current()).taken_at == registry.now


async def test_without_any_picture_the_failure_is_told() -> None:
    registry = Registry()
    registry.failure = ConnectionRefusedError()
    with pytest.raises(ConnectionRefusedError):
        await registry.points().current()


async def test_names_fall_back_from_the_language_to_swedish_to_any() -> None:
    view = (await Registry().points().current()).views[0]
    assert [view.name(lang) for lang in ("sv", "en")] == ["Lagan", "Lagan point"]
    finnish = PointView(replace(LAGAN, names={"fi": "Laganin piste"}), LJUNGBY, view.status, view.opening)
    assert finnish.name("en") == "Laganin piste"


async def test_map_names_the_towns() -> None:
    snapshot = await Registry().points().current()
    view = MapView.of(snapshot, "sv", focus="dp-lagan")
    assert view.seats == [("Ljungby", 56.83, 13.94)]
    assert view.state_words["down"] == "utan kontakt"


def test_every_service_and_kind_has_words_in_both_languages() -> None:
    codes = ServiceType.__args__  # type: ignore[attr-defined]
    for lang in ("sv", "en"):
        assert [code for code in codes if service_words(code, lang) == code] == []
        assert [kind for kind in ("fixed", "mobile", "digital") if kind_words(kind, lang) == kind] == []
        assert [
            kind for kind in ("hotspot", "kiosk", "locker") if device_kind_words(kind, lang) == kind
        ] == []
        assert len({count_words(state, lang) for state in PointState}) == 4
        assert [
            state for state in ("up", "degraded", "down", "blind") if device_words(state, lang) == state
        ] == []
    assert service_words("not-one-of-ours", "sv") == "not-one-of-ours"


def test_swedish_letters_come_last() -> None:
    assert sorted(["Öja", "Älmhult", "Zinkgruvan", "ånge", "Arvidsjaur"], key=in_order) == [
        *("Arvidsjaur", "Zinkgruvan", "ånge", "Älmhult", "Öja"),
    ]


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        ("24/7", [("Alla dagar", "Dygnet runt")]),
        ("Mo-Su 08:00-22:00", [("Alla dagar", "08:00–22:00")]),
        ("Mo,We 10:00-12:00,13:00-24:00", [
            ("Måndag", "10:00–12:00, 13:00–24:00"), ("Tisdag", "Stängt"),
            ("Onsdag", "10:00–12:00, 13:00–24:00"), ("Torsdag–söndag", "Stängt"),
        ]),
        ("Sa-Su 00:00-24:00; PH off", [
            ("Måndag–fredag", "Stängt"), ("Lördag–söndag", "Dygnet runt"), ("Helgdagar", "Stängt"),
        ]),
    ],
)  # fmt: skip
def test_week_is_told_in_rows(expression: str, rows: list[tuple[str, str]]) -> None:
    week = week_of(expression, NOON.date())
    assert week is not None
    assert week_words(week, "sv") == rows
