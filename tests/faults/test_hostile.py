"""What is broken or mean is stored or kept as a dead letter, and hurts nobody else (Q5, Q7, Q8)."""

import sys
from pathlib import Path

from benchmarks.faults.hostile import bad_among_good, hostile_payloads
from benchmarks.faults.rig import WITH_WEB, Plan
from tests.faults.seeds import new_seed


async def test_every_hostile_payload_is_accounted_for_and_none_stops_the_gateway(
    open_directory: Path,
) -> None:
    plan = Plan(seed=new_seed(), devices=6, processes=WITH_WEB)
    figures = await hostile_payloads(open_directory, plan, count=3_000)
    sys.stderr.write(f"{figures}\n")
    assert (figures["difference"], figures["unacknowledged"], figures["crashes"]) == (0, 0, 0)
    assert figures["clean"], figures


async def test_bad_events_anywhere_leave_the_good_ones_alone(open_directory: Path) -> None:
    """How long the others wait during a flood is measured in `make bench-faults`, on a machine of its own."""
    plan = Plan(seed=new_seed(), devices=12, processes=WITH_WEB)
    figures = await bad_among_good(open_directory, plan, seconds=2)
    sys.stderr.write(f"{figures}\n")
    assert (figures["stored_of_400"], figures["dead_lettered_of_220"]) == (400, 220)
    assert figures["clean"], figures
