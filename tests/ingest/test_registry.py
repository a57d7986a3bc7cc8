"""What a lane knows of the registry: its own devices, and to whom foreign names belong."""

import asyncpg
import pytest

from services.ingest import registry as module
from services.ingest.models import KnownDevice
from services.ingest.registry import LaneRegistry, load_registry, still_says
from services.log.store import Batch, store
from tests.support.villages import heartbeat, lane_of, villages


async def test_a_lane_knows_its_own_municipalities_and_devices(database_url: str) -> None:
    async with villages(database_url, lifecycle="suspended") as database:
        known = await load_registry(database, await lane_of(database, "0781"))
    assert known.municipalities == {"0781"}
    assert set(known.devices) == {("0781", "hs-lidhult-1"), ("0781", "hs-lidhult-2")}
    assert known.device("0781", "hs-lidhult-1") == KnownDevice(
        id="hs-lidhult-1", kind="hotspot", lifecycle="suspended"
    )
    assert known.device("0583", "hs-lidhult-1") is None
    assert known.device("0583", "hs-fornasa-1") is None


async def test_foreign_names_are_looked_up_and_nobodys_stay_nobodys(database_url: str) -> None:
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        known = await load_registry(database, lane)
        assert known.municipality_of("hs-fornasa-1") is None
        names = [("0781", "hs-fornasa-1"), ("0781", "hs-nowhere-1"), ("0781", "hs-lidhult-1")]
        await known.look_up(database, lane, names)
    assert known.municipality_of("hs-fornasa-1") == "0583"
    assert known.municipality_of("hs-nowhere-1") is None
    # Looked up once; this would fail now that the database is closed.
    await known.look_up(database, lane, names)


async def test_remembered_names_are_bounded(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FOREIGN_NAMES", 3)
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        known = LaneRegistry()
        for number in range(20):
            await known.look_up(database, lane, [("0781", f"made-up-{number}"), ("0781", "hs-fornasa-1")])
            assert known.municipality_of("hs-fornasa-1") == "0583"
            assert len(known._owners) <= 5


async def test_spools_are_loaded_and_noted(database_url: str) -> None:
    birth = heartbeat(1, type="device.status", data={"state": "online", "spool": True})
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        await store(database, lane, Batch([birth]))
        known = await load_registry(database, lane)
    assert known.spooling == {("0781", "hs-lidhult-1")}
    known.note_spools([heartbeat(2), heartbeat(3, type="device.status", data={"state": "offline"})])
    assert known.spooling == {("0781", "hs-lidhult-1")}
    known.note_spools([heartbeat(4, type="device.status", data={"state": "online"})])
    assert known.spooling == set()


@pytest.mark.parametrize(
    ("change", "still"),
    [
        ("UPDATE device SET lifecycle = 'suspended' WHERE id = 'hs-lidhult-1'", False),
        ("UPDATE device SET topic_identity = 'ap-1' WHERE id = 'hs-lidhult-1'", False),
        (
            "DELETE FROM placement WHERE device = 'hs-lidhult-2'; DELETE FROM device WHERE id = 'hs-lidhult-2'",
            False,
        ),
        # By another process, from a dead letter for one.
        ("INSERT INTO device_spool VALUES ('0781', 'hs-lidhult-1', now(), true)", False),
        ("INSERT INTO device_spool VALUES ('0781', 'hs-lidhult-1', now(), false)", True),
        ("UPDATE device SET expected_interval_s = 77 WHERE id = 'hs-lidhult-1'", True),
        ("UPDATE device SET lifecycle = 'suspended' WHERE id = 'hs-fornasa-1'", True),
    ],
)
async def test_only_what_a_lane_goes_by_makes_it_read_the_registry_again(
    database_url: str, admin_url: str, change: str, *, still: bool
) -> None:
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        known = await load_registry(database, lane)
        assert await still_says(database, lane, known)
        admin = await asyncpg.connect(admin_url, server_settings={"search_path": "bypunkt"})
        try:
            await admin.execute(change)
        finally:
            await admin.close()
        assert await still_says(database, lane, known) is still
        assert await still_says(database, lane, await load_registry(database, lane))
