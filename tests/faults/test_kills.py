"""Nothing is lost and nothing counts twice, at whatever moment gateway, database and broker are killed (Q1).

Short runs of `make bench-faults`; docs/faults.md says what is promised, and how to run one again from its seed.
"""

import sys
from pathlib import Path

from benchmarks.faults.devices import Habits
from benchmarks.faults.kills import Kills, random_kills
from benchmarks.faults.rig import Plan
from tests.faults.seeds import new_seed


async def test_what_devices_keep_until_the_receipt_is_stored_once(open_directory: Path) -> None:
    seed = new_seed()
    plan = Plan(seed=seed, wiped=bool(seed % 2))  # the broker's store, at each of its kills
    figures = await random_kills(open_directory, plan, Kills(each=2, events=5_000, rate=500))
    sys.stderr.write(f"{figures}\n")
    assert figures["stored"] == figures["confirmed"] == 5_000
    assert figures["clean"], figures


async def test_what_the_broker_acknowledged_to_devices_without_a_spool_is_stored_once(
    open_directory: Path,
) -> None:
    plan = Plan(seed=new_seed(), habits=Habits(spool=False))
    kills = Kills(each=2, victims=("gateway", "database"), events=3_000, rate=400)
    figures = await random_kills(open_directory, plan, kills)
    sys.stderr.write(f"{figures}\n")
    assert figures["stored"] == figures["confirmed"] == 3_000
    assert figures["clean"], figures
