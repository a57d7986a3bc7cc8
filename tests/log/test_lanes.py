"""Which lanes there is work in, and until when each could see."""

from datetime import datetime, timedelta

from services.log.lanes import lanes_for, lanes_in_use, registered_codes, states_of_lanes
from services.log.store import Batch, Sight, close_sight, store
from services.storage.database import Database
from services.tenants.importing import import_registry
from tests.support.villages import NOON, lane_of, registry, villages


async def test_lanes_with_municipalities_are_in_use(database_url: str) -> None:
    async with Database.open(database_url) as database:
        assert await lanes_in_use(database) == []
        assert await registered_codes(database) == frozenset()
        await import_registry(database, registry(), only={"0781"})
        assert await lanes_in_use(database) == [await lane_of(database, "0781")]
        assert await registered_codes(database) == {"0781"}


async def test_a_lane_is_known_before_its_municipality_is(database_url: str) -> None:
    async with Database.open(database_url) as database:
        before = await lanes_for(database, ["0781", "0583"])
        await import_registry(database, registry())
        assert before == {code: await lane_of(database, code) for code in ("0781", "0583")}
        assert await lanes_in_use(database) == sorted(before.values())


async def test_sight_is_the_newest_observation_and_nothing_once_it_is_closed(database_url: str) -> None:
    async with villages(database_url) as database:
        ljungby, motala = await lane_of(database, "0781"), await lane_of(database, "0583")
        assert await _seen(database) == {ljungby: None, motala: None}
        later = NOON + timedelta(seconds=30)
        await store(database, ljungby, Batch(sight=Sight(NOON, NOON)))
        await store(database, ljungby, Batch(sight=Sight(later, later)))
        assert await _seen(database) == {ljungby: later, motala: None}
        await close_sight(database, ljungby, later)
        assert await _seen(database) == {ljungby: None, motala: None}
        assert {state.read_until for state in await states_of_lanes(database, ["status"])} == {None}


async def _seen(database: Database) -> dict[int, datetime | None]:
    return {state.lane: state.seen_until for state in await states_of_lanes(database, ["status"])}
