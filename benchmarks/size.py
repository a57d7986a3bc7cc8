"""(c) Memory of gateway and worker over a million events, and bytes on disk per event."""

import asyncio

from benchmarks.driver import Load
from benchmarks.installation import Installation, installation
from benchmarks.runs import run

VILLAGES, DEVICES = 290, 100
_DISK = """
SELECT coalesce(sum(pg_table_size(t.relid)), 0)::bigint AS rows_bytes,
    coalesce(sum(pg_indexes_size(t.relid)), 0)::bigint AS index_bytes,
    pg_database_size(current_database()) AS database_bytes,
    pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint AS wal_bytes
FROM pg_partition_tree('event') AS t WHERE t.isleaf
"""


async def measure(*, single: int = 400_000, batches: int = 30_000, steps: int = 10) -> dict[str, object]:
    """Publish single events and batches of 20 in steps, and look at memory after each."""
    async with installation(municipalities=VILLAGES, devices=DEVICES) as place:
        return await measured(place, single=single, batches=batches, steps=steps)


async def measured(place: Installation, *, single: int, batches: int, steps: int) -> dict[str, object]:
    """Measure on what stands already."""
    before, memory, events, difference = await _disk(place), [[0, place.memory()]], 0, 0
    for step in range(steps):
        for batch, messages in ((1, single // steps), (20, batches // steps)):
            load = Load(
                messages, municipalities=VILLAGES, devices=DEVICES, batch=batch, run=f"s{step}-{batch}"
            )
            done = await run(place, load)
            events += done.stored
            difference += done.difference
        memory.append([events, place.memory()])
    await asyncio.sleep(1)
    after = await _disk(place)
    grown = {name: round((after[name] - before[name]) / events, 1) for name in after}
    return {
        "events": events,
        "difference": difference,
        "bytes_per_event": grown,
        "memory": memory,
        "archive": None,
    }


async def _disk(place: Installation) -> dict[str, int]:
    row = await place.connection.fetchrow(_DISK)
    assert row is not None
    return {name: int(value) for name, value in row.items()}
