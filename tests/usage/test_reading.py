"""Usage by hour is a function of the set of events, and counts bytes as the visitor sees them."""

import random
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.models import Accepted
from services.log.follow import Follower, LaneSignals
from services.storage.database import Database, Lane, Role
from services.usage.reading import UsageReading
from tests.support.villages import NOON, add, heartbeat, lane_of, villages

MINUTE = timedelta(minutes=1)


def usage(
    minute: int,
    *,
    number: int | None = None,
    iface: str = "wlan0",
    device: str = "hs-lidhult-1",
    **data: object,
) -> Accepted:
    """Return a `wifi.usage` event of a radio, `minute` after noon."""
    name = f"u-{iface}-{number or minute}"
    return heartbeat(number or minute, id=name, type="wifi.usage", at=NOON + minute * MINUTE, device=device,
                     data={"iface": iface, **data})  # fmt: skip


async def _read(database: Database) -> dict[int, dict[str, Any]]:
    lane = await lane_of(database, "0781")
    follower = Follower(database, UsageReading(), lane, clock=lambda: NOON, signals=LaneSignals())
    while (await follower.step()).events:
        pass
    async with database.transaction(Role.WORKER, Lane(lane)) as connection:
        assert await UsageReading().verify(connection, lane) == []
        rows = await connection.fetch("SELECT * FROM usage_hour ORDER BY hour")
    return {(row["hour"] - NOON) // timedelta(hours=1): dict(row) for row in rows}


async def test_counters_are_read_as_growth_and_may_start_again(database_url: str) -> None:
    async with villages(database_url) as database:
        await add(
            database,
            usage(1, clients=3, down_bytes_total=1_000, up_bytes_total=100),
            usage(6, clients=5, down_bytes_total=1_700, up_bytes_total=150),
            usage(11, clients=4, down_bytes_total=200, up_bytes_total=30),  # rebooted in between
        )
        hour = (await _read(database))[0]
        assert (hour["down_bytes"], hour["up_bytes"]) == (700 + 200, 50 + 30)
        assert (hour["samples"], hour["clients_max"], hour["clients_mean"]) == (3, 5, 4.0)


async def test_growth_over_the_hour_counts_in_the_later_one(database_url: str) -> None:
    async with villages(database_url) as database:
        await add(database, usage(58, down_bytes_total=500), usage(63, down_bytes_total=900))
        hours = await _read(database)
        assert hours[0]["down_bytes"] == 0
        assert hours[1]["down_bytes"] == 400


async def test_a_late_reading_moves_the_growth_that_follows_it(database_url: str) -> None:
    async with villages(database_url) as database:
        await add(database, usage(30, down_bytes_total=100), usage(90, down_bytes_total=1_100))
        assert (await _read(database))[1]["down_bytes"] == 1_000
        await add(database, usage(50, down_bytes_total=800))
        hours = await _read(database)
        assert (hours[0]["down_bytes"], hours[1]["down_bytes"]) == (700, 300)


async def test_radios_are_added_and_deltas_count_as_they_are(database_url: str) -> None:
    async with villages(database_url) as database:
        await add(
            database,
            usage(1, clients=2, down_bytes=10, up_bytes=1),
            usage(1, iface="wlan1", clients=3, down_bytes=20, up_bytes=2, estimated=True),
        )
        hour = (await _read(database))[0]
        assert (hour["clients_max"], hour["down_bytes"], hour["up_bytes"], hour["estimated"]) == (
            5,
            30,
            3,
            True,
        )


async def test_kiosk_sessions_and_views_are_counted(database_url: str) -> None:
    async with villages(database_url) as database:
        await add(
            database,
            heartbeat(1, type="kiosk.session", data={"session": "s"}),
            heartbeat(2, type="kiosk.view", data={"page": "start"}),
            heartbeat(3, type="kiosk.view", data={"page": "bus"}),
        )
        hour = (await _read(database))[0]
        assert (hour["kiosk_sessions"], hour["kiosk_views"], hour["samples"]) == (1, 2, 0)


# Minute, radio, bytes, and whether they are told by a counter.
Sample = tuple[int, str, int, bool]
_SAMPLES = st.lists(
    st.tuples(st.integers(0, 400), st.sampled_from(["wlan0", "wlan1"]), st.integers(0, 5_000), st.booleans()),
    min_size=1,
    max_size=25,
)


async def test_any_order_and_any_repetition_gives_the_same_hours(database_url: str) -> None:
    """Histories with late, repeated and reordered counters, read in random batches, against one reading of all."""
    histories: list[tuple[list[Sample], int]] = []

    @settings(max_examples=8, deadline=None, database=None)
    @given(_SAMPLES, st.randoms(use_true_random=False))
    def collect(samples: list[Sample], chance: random.Random) -> None:
        histories.append((samples, chance.randrange(10**9)))

    collect()
    for number, (samples, seed) in enumerate(histories):
        chance = random.Random(seed)
        device = f"hs-lidhult-{number + 10}"
        async with villages(database_url, devices={device: "0781"}) as database:
            events = [
                usage(minute, number=place + 1, iface=iface, device=device, clients=place,
                      **({"down_bytes_total": total} if counter else {"down_bytes": total}))
                for place, (minute, iface, total, counter) in enumerate(samples)
            ]  # fmt: skip
            arriving = events + chance.sample(events, len(events) // 2)
            chance.shuffle(arriving)
            while arriving:
                count = chance.randint(1, 5)
                await add(database, *arriving[:count])
                del arriving[:count]
                await _read(database)  # verifies against the log
