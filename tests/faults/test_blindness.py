"""Nobody is called down because we were away, and who died meanwhile is found (Q11)."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.faults.blindness import Away, Facts, Stretch, Verdict, away, verdict
from benchmarks.faults.devices import Habits
from benchmarks.faults.rig import Plan
from services.availability.conditions import condition_of
from services.runtime.spans import Span
from tests.faults.seeds import new_seed

PLAN = Plan(devices=24, interval_s=1, habits=Habits(patience_s=30))
SHORT = Away(seconds=15, dying=3, faults=("gateway",), audited=False)
BROKEN = ("-m", "benchmarks.faults.variants", "sight_without_gaps")

# A device that was heard every second until we were away from 100 s to 200 s, and after that again.
HEARD = [*range(0, 100_000, 1_000), *range(201_000, 260_000, 1_000)]


async def test_the_dead_alone_are_called_down_and_a_gateway_that_knows_no_blind_time_is_caught(
    open_directory: Path,
) -> None:
    sound, broken = replace(PLAN, seed=new_seed()), replace(PLAN, seed=new_seed(), entry=BROKEN)
    folders = open_directory / "sound", open_directory / "broken"
    for folder in folders:
        folder.mkdir()
        folder.chmod(0o755)
    async with asyncio.TaskGroup() as tasks:
        clean = tasks.create_task(away(folders[0], sound, SHORT), name="sound")
        caught = tasks.create_task(away(folders[1], broken, SHORT), name="broken")
    sys.stderr.write(f"{clean.result()}\n{caught.result()}\n")
    assert clean.result()["clean"], clean.result()
    assert not caught.result()["clean"], caught.result()
    assert caught.result()["gateway"]["false"] > 0, caught.result()  # type: ignore[index]


def judged(
    line: list[tuple[int, int, str, str]],
    signs: list[int],
    *,
    died: int | None = None,
    called: int | None = None,
) -> Verdict:
    """The verdict on one device, by its intervals (from and until in seconds, state, reason)."""
    stretches = [
        Stretch(Span(start * 1000, end * 1000), condition_of(state, reason), reason, present=end == 260)
        for start, end, state, reason in line
    ]
    facts = Facts(
        away=Span(100_000, 200_000),
        limit=16_000,
        lines={"hs": stretches},
        sight={"hs": (Span(0, 100_000), Span(202_000, 260_000))},
        signs={"hs": signs},
        called={} if called is None else {"hs": called},
    )
    return verdict(facts, ["hs"], {} if died is None else {"hs": died})


ALIVE = [(0, 100, "up", "heard"), (100, 201, "blind", "not_watched"), (201, 260, "up", "heard")]
DEAD = [
    (0, 100, "up", "heard"),
    (100, 202, "blind", "not_watched"),
    (202, 260, "down", "silent"),
]


def test_blind_time_and_the_dead_found_afterwards_are_clean() -> None:
    alive = judged(ALIVE, HEARD)
    assert (alive.clean, alive.unseen_ms, alive.blind_ms) == (True, 100_000, 100_000)
    dead = judged(DEAD, HEARD[:100], died=150_000, called=219_000)
    assert (dead.clean, dead.reasons, dead.found_at) == (True, {"silent": 1}, [219_000])


def test_a_living_device_that_was_called_down_is_false_even_if_it_was_taken_back() -> None:
    assert judged(ALIVE, HEARD, called=204_000).false == ["hs"]
    down = [ALIVE[0], (100, 201, "down", "silent"), ALIVE[2]]
    assert judged(down, HEARD).false == ["hs"]
    assert judged(DEAD, HEARD[:100], died=230_000, called=219_000).false == ["hs"]


@pytest.mark.parametrize(("line", "called"), [(ALIVE, None), (ALIVE, 219_000), (DEAD, None), ([], None)])
def test_a_dead_device_that_is_not_called_down_in_the_end_is_missed(
    line: list[tuple[int, int, str, str]], called: int | None
) -> None:
    assert judged(line, HEARD[:100], died=150_000, called=called).missed == ["hs"]


def test_a_death_is_dated_from_the_last_sign_or_from_where_sight_began() -> None:
    late = [*DEAD[:2], (202, 210, "blind", "unproven"), (210, 260, "down", "silent")]
    assert judged(late, HEARD[:100], died=150_000, called=219_000).misdated == ["hs"]
    assert judged(late, [*HEARD[:100], 210_000], died=150_000, called=229_000).clean


def test_what_is_known_of_unseen_time_must_be_explained_by_signs_of_that_time() -> None:
    up = [(0, 120, "up", "heard"), (120, 201, "blind", "not_watched"), (201, 260, "up", "heard")]
    assert judged(up, HEARD).unexplained == ["hs 20000 ms"]
    late = [*HEARD, *range(100_000, 121_000, 1_000)]
    assert judged(up, sorted(late)).clean
    assert not judged([(0, 260, "up", "heard")], sorted([*HEARD, *range(100_000, 201_000, 1_000)])).clean
