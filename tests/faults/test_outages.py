"""Servers that are away cost time, no event, and little memory (Q4)."""

import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.faults.devices import Habits
from benchmarks.faults.outages import database_away, queue_overflows
from benchmarks.faults.rig import Plan
from tests.faults.seeds import new_seed


async def test_postgresql_may_be_away_under_load(open_directory: Path) -> None:
    figures = await database_away(open_directory, Plan(seed=new_seed()), seconds=6, rate=300)
    sys.stderr.write(f"{figures}\n")
    assert figures["clean"], figures


async def test_a_broker_that_drops_what_its_queue_cannot_hold_costs_no_event(open_directory: Path) -> None:
    plan = Plan(seed=new_seed(), habits=replace(Habits(), patience_s=2))
    figures = await queue_overflows(open_directory, plan, queue=50, events=2_000)
    sys.stderr.write(f"{figures}\n")
    assert figures["clean"], figures
