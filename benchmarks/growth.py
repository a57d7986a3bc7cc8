"""(d) Rate, cost and latency as the log grows to a hundredfold, and the number of devices to a thousandfold."""

from collections.abc import Sequence

from benchmarks.driver import Load
from benchmarks.installation import Installation, installation
from benchmarks.latency import percentiles
from benchmarks.runs import Run, run

VILLAGES, DEVICES = 100, 10
_COMMITS = """
SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin) - time)::float8 * 1000 AS ms FROM event
WHERE received_at > now() - interval '5 minutes' AND id LIKE $1 || '-%'
"""
# Events as they would have come in thirty days, each device in turn; positions go on after each lane's head, and the
# readings' cursors with them: what the readings made of it is not filled in.
_FILL = """
WITH d AS (
    SELECT d.municipality, d.id, m.lane, row_number() OVER (ORDER BY d.id, d.municipality) - 1 AS turn
    FROM device AS d JOIN municipality AS m ON m.code = d.municipality
), n AS (
    SELECT n, now() - interval '1 hour' - interval '29 days' * (1 - (n - $3::bigint)::float8 / ($4::bigint - $3)) AS at
    FROM generate_series($1::bigint, $2::bigint - 1) AS n
), filled AS (
    INSERT INTO event (
        lane, position, municipality, device, id, type, retention, at, received_at, time, boot, conn, seq, data
    )
    SELECT d.lane, l.head + row_number() OVER (PARTITION BY d.lane ORDER BY n.n), d.municipality, d.id, 'fill-' || n.n,
        'wifi.usage', 'standard', n.at, n.at, n.at, 'b0', 'b0-1', n.n,
        jsonb_build_object('iface', 'wlan0', 'ssid', 'Bygdewifi', 'band', '5', 'clients', n.n % 40, 'interval_s', 20,
            'down_bytes', n.n * 997 % 10000000, 'up_bytes', n.n * 31 % 1000000)
    FROM n JOIN d ON d.turn = n.n % (SELECT count(*) FROM device) JOIN lane AS l ON l.lane = d.lane
    RETURNING lane
)
UPDATE lane AS l SET head = l.head + x.count
FROM (SELECT lane, count(*) FROM filled GROUP BY lane) AS x
WHERE x.lane = l.lane
"""
_CURSORS = """
UPDATE reading_cursor AS c SET position = l.head FROM lane AS l WHERE l.lane = c.lane
"""
# The readings wait meanwhile: what is filled in is as if they had read it.
_HOLD = "LOCK TABLE reading_cursor IN EXCLUSIVE MODE"
_AT_ONCE = 500_000
_ORDINARY = 1_000.0


async def measure(
    *,
    rows: tuple[int, ...] = (100_000, 1_000_000, 10_000_000),
    devices: tuple[int, ...] = (10, 1_000, 10_000),
    messages: int = 40_000,
    seconds: float = 8.0,
) -> dict[str, object]:
    """Measure with so many rows and 1,000 devices, then with so many devices and an empty log."""
    async with installation(municipalities=VILLAGES, devices=DEVICES) as place:
        rate, by_rows = await with_rows(place, rows, messages=messages, seconds=seconds)
    by_devices: list[dict[str, object]] = []
    for count in devices:
        villages = max(1, min(VILLAGES, count // 10))
        size = (villages, count // villages)
        async with installation(municipalities=size[0], devices=size[1]) as place:
            await _first(place, size, max(messages // 4, 2 * count))
            found = await _point(place, size, f"d{count}", messages, rate=rate, seconds=seconds)
            by_devices.append({"devices": count, **found})
    return {"latency_per_s": round(rate), "by_rows": by_rows, "by_devices": by_devices}


async def with_rows(
    place: Installation, rows: Sequence[int], *, messages: int, seconds: float
) -> tuple[float, list[dict[str, object]]]:
    """Measure on what stands already, with more and more rows; return the rate for latency, and the points."""
    size = (VILLAGES, DEVICES)
    first, rate = await _first(place, size, messages)
    by_rows: list[dict[str, object]] = [{"rows": 0, **first}]
    have = 0
    for wanted in rows:
        await _fill(place, have, wanted)
        have = wanted
        found = await _point(place, size, f"r{wanted}", messages, rate=rate, seconds=seconds)
        by_rows.append({"rows": wanted, **found})
    return rate, by_rows


async def _first(
    place: Installation, size: tuple[int, int], messages: int
) -> tuple[dict[str, object], float]:
    """Warm up, and choose a rate for latency that is ordinary for this machine."""
    done = await run(place, Load(messages, municipalities=size[0], devices=size[1], run="gwarm"))
    return _figures(done), min(_ORDINARY, done.rate / 2)


async def _point(
    place: Installation, size: tuple[int, int], name: str, messages: int, *, rate: float, seconds: float
) -> dict[str, object]:
    fast = await run(place, Load(messages, municipalities=size[0], devices=size[1], run=f"{name}f"))
    load = Load(int(rate * seconds), rate=rate, municipalities=size[0], devices=size[1], run=f"{name}c")
    calm = await run(place, load)
    commits = [float(row["ms"]) for row in await place.connection.fetch(_COMMITS, load.run)]
    found = _figures(fast)
    return {**found, "commit_ms": percentiles(commits), "difference": fast.difference + calm.difference}


def _figures(done: Run) -> dict[str, object]:
    return {
        "per_s": round(done.rate),
        "cpu_us": round(sum(value for part, value in done.cpu_us.items() if part != "driver"), 1),
        "cpu_us_by_part": dict(done.cpu_us),
        "difference": done.difference,
    }


async def _fill(place: Installation, have: int, wanted: int) -> None:
    for start in range(have, wanted, _AT_ONCE):
        async with place.connection.transaction():
            await place.connection.execute(_HOLD)
            await place.connection.execute(_FILL, start, min(start + _AT_ONCE, wanted), have, wanted)
            await place.connection.execute(_CURSORS)
    await place.connection.execute("ANALYZE")
    await place.connection.execute("CHECKPOINT")
