"""Nothing is lost, and everything resumes by itself, when the network between the parts breaks (Q6)."""

import sys
from pathlib import Path

from benchmarks.faults.network import bad_networks
from benchmarks.faults.rig import Plan
from tests.faults.seeds import new_seed


async def test_bad_networks_lose_and_double_nothing(open_directory: Path) -> None:
    plan = Plan(seed=new_seed(), devices=12)
    figures = await bad_networks(open_directory, plan, phase_s=2, rate=60, thorough=False)
    sys.stderr.write(f"{figures}\n")
    assert figures["clean"], figures
