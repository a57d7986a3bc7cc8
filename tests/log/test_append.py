"""The log takes each event once, at gapless positions, in commit order."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from services.ingest.models import Accepted
from services.log.append import UnfitDatum, append, columns, make_partitions, queries, spans
from services.storage.database import Database, Lane, Public, Role
from tests.support.villages import NOON, add, heartbeat, lane_of, villages


async def _positions(database: Database, lane: int) -> list[int]:
    async with database.transaction(Role.WORKER, Lane(lane)) as connection:
        return [row["position"] for row in await connection.fetch(queries.events_after, lane, 0, 10_000)]


async def test_an_event_sent_ten_times_is_stored_once(database_url: str) -> None:
    async with villages(database_url) as database:
        stored = [await add(database, heartbeat(1)) for _ in range(10)]
        assert [result.new for result in stored] == [1] + [0] * 9
        assert sum(result.duplicates for result in stored) == 9


async def test_repetitions_within_a_batch_take_no_position(database_url: str) -> None:
    async with villages(database_url) as database:
        stored = await add(database, heartbeat(1), heartbeat(2), heartbeat(1), heartbeat(3))
        assert (stored.new, stored.duplicates) == (3, 1)
        assert await _positions(database, await lane_of(database, "0781")) == [1, 2, 3]


async def test_the_key_holds_across_retention_classes(database_url: str) -> None:
    """`retention` is a partition column, not a part of an event's identity."""
    async with villages(database_url) as database:
        assert (await add(database, heartbeat(1))).new == 1
        assert (await add(database, heartbeat(1, retention="long", type="device.status"))).new == 0


async def test_the_same_id_at_another_time_is_another_event(database_url: str) -> None:
    async with villages(database_url) as database:
        await add(database, heartbeat(1))
        assert (await add(database, heartbeat(1, at=NOON + timedelta(hours=1)))).new == 1


async def test_an_id_without_a_usable_time_is_looked_up_for_two_days(database_url: str) -> None:
    async with villages(database_url) as database:
        await add(database, heartbeat(1, at=NOON, clock="receipt"))
        for later, new in ((timedelta(seconds=30), 0), (timedelta(hours=47), 0), (timedelta(hours=49), 1)):
            again = await add(database, heartbeat(1, at=NOON + later, clock="receipt"))
            assert again.new == new, later


async def test_municipalities_do_not_share_ids(database_url: str) -> None:
    """One municipality can never make another's event vanish (rule R1)."""
    async with villages(database_url) as database:
        await add(database, heartbeat(1))
        other = heartbeat(1, municipality="0583", device="hs-fornasa-1")
        assert (await add(database, other)).new == 1


async def test_a_lane_cannot_write_for_another_lanes_municipality(database_url: str) -> None:
    async with villages(database_url) as database:
        lane = await lane_of(database, "0583")
        assert lane != await lane_of(database, "0781")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.transaction(Role.INGEST, Lane(lane)) as connection:
                await append(connection, lane, [heartbeat(1)])


async def test_slow_concurrent_writers_never_make_a_reader_skip(database_url: str) -> None:
    """Two writers overlap in every way; a reader that only remembers a number sees every event."""
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        done = asyncio.Event()

        async def write(first: int, *, pause: bool) -> None:
            for number in range(first, first + 20):
                async with database.transaction(Role.INGEST, Lane(lane)) as connection:
                    if pause:
                        await connection.execute("SELECT pg_sleep(0.01)")
                    await append(connection, lane, [heartbeat(number)])
                    await connection.execute("SELECT pg_sleep($1)", 0.01 if pause else 0.002)

        async def read() -> list[str]:
            seen: list[str] = []
            position = 0
            while True:
                last = done.is_set()
                async with database.transaction(Role.WORKER, Lane(lane)) as connection:
                    rows = await connection.fetch(queries.events_after, lane, position, 7)
                seen += [row["id"] for row in rows]
                position = rows[-1]["position"] if rows else position
                if last and not rows:
                    return seen

        reader = asyncio.create_task(read())
        await asyncio.gather(write(0, pause=True), write(100, pause=False), write(200, pause=True))
        done.set()
        seen = await reader
        assert len(seen) == len(set(seen)) == 60
        assert await _positions(database, lane) == list(range(1, 61))


async def _plan(database: Database, lane: int, *events: Accepted) -> list[str]:
    """Return how PostgreSQL would store these events: its plan, as it is kept for all batches."""
    async with database.transaction(Role.INGEST, Lane(lane), first=queries.hold_lane) as connection:
        lines = await connection.fetch(
            "EXPLAIN (ANALYZE, TIMING OFF) " + queries.append, lane, *columns(events), *spans(events)
        )
    return [line[0].strip() for line in lines]


async def test_copies_are_looked_for_in_the_partitions_of_the_events_alone_and_by_their_key(
    database_url: str,
) -> None:
    """The log has a dozen and more partitions; a batch opens one of each class, though all are empty yet."""
    async with villages(database_url) as database:
        plan = await _plan(database, await lane_of(database, "0781"), heartbeat(7), heartbeat(8))
    scans = [line for line in plan if " on event_" in line]
    assert [line.split(" on ")[1].split()[0] for line in scans] == [
        "event_long_2026", "event_short_2026w38", "event_standard_2026m09"
    ], plan  # fmt: skip
    assert not [line for line in scans if "Seq Scan" in line], plan
    keys = [line for line in plan if line.startswith("Index Cond") and "(device = " in line]
    assert len(keys) == len(scans), "\n".join(plan)
    assert all("(municipality = " in line and "(at = " in line for line in keys), plan


async def test_only_an_event_without_a_usable_time_has_earlier_days_looked_through(database_url: str) -> None:
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")
        plain = await _plan(database, lane, heartbeat(7))
        back = await _plan(database, lane, heartbeat(8, at=NOON.replace(day=1), clock="receipt"))
    assert not [line for line in plain if "event_standard_2026m08" in line], plain
    assert [line for line in back if "event_standard_2026m08" in line], back


async def test_a_value_with_a_separator_in_it_moves_no_other_value(database_url: str) -> None:
    async with villages(database_url) as database:
        with pytest.raises(UnfitDatum):
            await add(database, heartbeat(1), heartbeat(2, boot="a\x1fb"), heartbeat(3, boot=None))
        with pytest.raises(UnfitDatum):
            await add(database, heartbeat(1, id="a\x1fb"))


@pytest.mark.parametrize("value", ["\udc00", {"deep": [1, "\ud800"]}])
async def test_data_that_cannot_be_written_as_json_are_unfit(database_url: str, value: object) -> None:
    async with villages(database_url) as database:
        with pytest.raises(UnfitDatum):
            await add(database, heartbeat(1, data={"note": value}))


async def test_every_field_comes_out_of_the_log_as_it_went_in(database_url: str) -> None:
    odd = timedelta(microseconds=123_457)
    said = {"text": "Å \"'\\\t€ 🚲", "list": [1, -2.5, 1e-7, 2**70, None, True], "empty": {}, "": "\u0001"}
    events = [
        heartbeat(1, data=said, conn="c", at=NOON + odd, received_at=NOON + 3 * odd),
        heartbeat(2, boot=None, conn="x{},'\"\\ NULL", seq=None, time=None, data={}),
        heartbeat(3, boot="NULL", seq=2**63 - 1, time=datetime(1970, 1, 1, tzinfo=UTC), clock="receipt"),
        heartbeat(4, id="{a,b}", time=datetime(2091, 1, 1, 1, 1, 1, 999_999, tzinfo=UTC), clock="receipt"),
    ]
    async with villages(database_url) as database:
        assert (await add(database, *events)).new == len(events)
        async with database.transaction(Role.WORKER, Lane(await lane_of(database, "0781"))) as connection:
            rows = await connection.fetch("SELECT * FROM event ORDER BY position")
    fields = [name for name in Accepted._fields if name not in {"clock", "own_id"}]
    assert [[row[name] for name in fields] for row in rows] == [
        [getattr(event, name) for name in fields] for event in events
    ]


async def test_partitions_are_made_while_others_read_and_write(database_url: str) -> None:
    """Making room must not deadlock with the log's readers and writers."""
    async with villages(database_url) as database:
        lane = await lane_of(database, "0781")

        async def write() -> None:
            for number in range(40):
                await add(database, heartbeat(number))

        async def read() -> None:
            for _ in range(40):
                async with database.transaction(Role.WORKER, Lane(lane)) as connection:
                    await connection.fetch(queries.events_after, lane, 0, 10)
                    await connection.fetch("SELECT count(*) FROM event")

        async def make() -> None:
            for month in range(24):
                async with database.transaction(Role.INGEST, Public()) as connection:
                    await make_partitions(connection, now=NOON + timedelta(days=31 * month))

        await asyncio.gather(write(), read(), read(), make())
        assert len(await _positions(database, lane)) == 40
