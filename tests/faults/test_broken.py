"""The harness finds what a broken program loses or doubles (Q3); `make bench-faults` tries every variant."""

from pathlib import Path

import pytest

from benchmarks.faults.broken import TRAPS, sprung
from benchmarks.faults.variants import VARIANTS
from tests.faults.seeds import new_seed


@pytest.mark.parametrize(
    ("variant", "fault"),
    [("acknowledge_before_commit", "lost"), ("key_without_tenant", "lost"), ("no_dedupe", "doubled")],
)
async def test_a_broken_program_is_caught(open_directory: Path, variant: str, fault: str) -> None:
    figures = await sprung(open_directory, variant, seed=new_seed())
    assert not figures["clean"], figures
    assert fault in figures


def test_every_variant_has_its_trap() -> None:
    assert TRAPS.keys() | {"nothing", "sight_without_gaps"} == VARIANTS.keys()  # the last: test_blindness.py
