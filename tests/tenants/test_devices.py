"""Devices of the registry, and the moves of their life cycle."""

import itertools

import pytest

from services.storage.database import Database, Role, Tenants
from services.tenants.devices import MOVES, DeviceError, device_named, every_device, move
from services.tenants.models import Lifecycle
from tests.support.villages import villages

LJUNGBY = Tenants(("0781",))


async def _lifecycle(database: Database, device: str) -> str:
    async with database.transaction(Role.WEB, LJUNGBY) as connection:
        return str((await device_named(connection, device))["lifecycle"])


async def test_devices_of_the_scope_are_seen_and_no_others(database_url: str) -> None:
    async with villages(database_url) as database, database.transaction(Role.WEB, LJUNGBY) as connection:
        assert [row["id"] for row in await every_device(connection)] == ["hs-lidhult-1", "hs-lidhult-2"]
        assert (await device_named(connection, "hs-lidhult-2"))["municipality"] == "0781"
        for name in ("hs-fornasa-1", "hs-nowhere-1"):  # another municipality's, and nobody's: the same answer
            with pytest.raises(DeviceError, match=f"there is no device {name}"):
                await device_named(connection, name)


async def test_a_device_is_moved_and_everybody_is_told(database_url: str) -> None:
    async with villages(database_url) as database, database.listen("bypunkt_registry") as notices:
        assert await anext(notices) == ("", "")
        async with database.transaction(Role.WEB, LJUNGBY) as connection:
            await move(connection, "hs-lidhult-1", "suspended")
        assert await anext(notices) == ("bypunkt_registry", "")
        assert await _lifecycle(database, "hs-lidhult-1") == "suspended"
        assert await _lifecycle(database, "hs-lidhult-2") == "active"


async def test_another_municipalitys_device_cannot_be_moved(database_url: str) -> None:
    async with villages(database_url) as database:
        async with database.transaction(Role.WEB, LJUNGBY) as connection:
            with pytest.raises(DeviceError):
                await move(connection, "hs-fornasa-1", "retired")
        async with database.transaction(Role.WEB, Tenants(("0583",))) as connection:
            assert (await device_named(connection, "hs-fornasa-1"))["lifecycle"] == "active"


@pytest.mark.parametrize("present", MOVES)
async def test_only_the_moves_of_the_life_cycle_are_made(database_url: str, present: Lifecycle) -> None:
    async with villages(database_url, lifecycle=present) as database:
        for wanted in sorted(set(MOVES) - MOVES[present]):
            async with database.transaction(Role.WEB, LJUNGBY) as connection:
                with pytest.raises(DeviceError, match=f"device hs-lidhult-1 is {present}; it can become"):
                    await move(connection, "hs-lidhult-1", wanted)
        assert await _lifecycle(database, "hs-lidhult-1") == present
        for wanted, device in zip(sorted(MOVES[present]), ("hs-lidhult-1", "hs-lidhult-2"), strict=False):
            async with database.transaction(Role.WEB, LJUNGBY) as connection:
                await move(connection, device, wanted)
            assert await _lifecycle(database, device) == wanted


def test_retired_is_the_end_and_nothing_else_is() -> None:
    assert [lifecycle for lifecycle, follows in MOVES.items() if not follows] == ["retired"]
    assert set(itertools.chain.from_iterable(MOVES.values())) | {"registered"} == set(MOVES)
