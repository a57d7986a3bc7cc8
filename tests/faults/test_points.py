"""Nothing is lost and nothing counts twice when the gateway ends between any two steps of its path (Q2)."""

import sys
from pathlib import Path

from benchmarks.faults.points import POINTS, at_every_point
from benchmarks.faults.rig import Plan
from tests.faults.seeds import new_seed


async def test_a_gateway_that_ends_between_any_two_steps_loses_and_doubles_nothing(
    open_directory: Path,
) -> None:
    figures = await at_every_point(open_directory, Plan(seed=new_seed(), devices=12), each=2, rate=200)
    sys.stderr.write(f"{figures}\n")
    assert figures["deaths"] == dict.fromkeys((*POINTS, "frozen"), 2)
    assert figures["clean"], figures
