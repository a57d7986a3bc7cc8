"""Each benchmark in miniature, so that it still works when it is needed; what it measures here says nothing.

All but one share an installation, and therefore a test: servers take longer to start than this does to measure. That
everything adds up is judged here as in a full run.
"""

import json
import re
import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from benchmarks import country, growth, history, latency, outage, proc, report, size, speed
from benchmarks.__main__ import PARTS, adds_up
from benchmarks.installation import Installation, installation
from benchmarks.words import SECTIONS

Figures = dict[str, Any]


async def test_every_part_measures_and_is_reported() -> None:
    async with installation(municipalities=290, devices=100) as place:
        kept = {
            "country": await the_country(place),
            "size": await memory_and_bytes(place),
            "latency": await latencies(place),
            "growth": await more_rows(place),
            "outage": await gateway_off(place),
        }
    with tempfile.TemporaryDirectory() as name:
        page, charts = written(Path(name), kept)
    assert page.count("\n## ") == len(kept) + 1  # and what is not reached
    assert name not in page
    assert {f"(benchmarks/{chart})" for chart in charts} == set(re.findall(r"\(benchmarks/[^)]*\)", page))
    assert len(charts) >= 5
    for drawing in charts.values():
        ET.fromstring(drawing)  # noqa: S314 - drawn by ourselves


async def test_speed_is_held_against_broker_and_script() -> None:
    figures: Figures = await speed.measure(messages=200, batches=10, raw=1_000, script=50)
    assert adds_up(figures)
    assert figures["single"]["events"] == 200
    assert 180 < figures["batches_of_20"]["events"] <= 200
    assert figures["broker_alone"]["per_s"] > figures["script"]["per_s"] > 0
    assert "the script" in report.table("speed", {"figures": figures})


async def test_a_history_is_asked_what_pages_ask() -> None:
    figures: Figures = await history.measure(points=20, months=(1, 2), times=3)
    one, two = figures["by_months"]
    assert two["days"] > 1.8 * one["days"] > 500
    assert all(two[name]["count"] == 3 for name in history.questions())
    assert all(value > 0 for value in figures["growth"].values())
    assert "overview 365" in report.table("history", {"figures": figures})


def test_an_account_that_does_not_add_up_is_noticed() -> None:
    assert adds_up({"figures": {"points": [{"difference": 0}]}})
    assert not adds_up({"figures": {"points": [{"difference": 0}, {"difference": 3}]}})
    assert set(SECTIONS) == set(PARTS)


async def the_country(place: Installation) -> Figures:
    """W3, held to the clock."""
    figures: Figures = await country.measured(place, seconds=2.0, rate=200.0, devices=2)
    assert figures["events"] == 400
    assert set(figures["cpu_us"]) == {"broker", "postgres", "gateway", "worker", "driver"}
    return figures


async def memory_and_bytes(place: Installation) -> Figures:
    """What the processes hold and the tables have grown by."""
    figures: Figures = await size.measured(place, single=300, batches=30, steps=2)
    assert figures["bytes_per_event"]["wal_bytes"] > 0
    assert figures["memory"][-1][1]["gateway"] > 10_000_000
    return figures


async def latencies(place: Installation) -> Figures:
    """From publish to commit, and to a reader of the stream, who misses nothing."""
    figures: Figures = await latency.measured(place, capacity_messages=600, seconds=1.5)
    fastest = figures["points"][2]
    assert all(0 < fastest[f"{what}_ms"]["p50"] < 60_000 for what in ("commit", "stream"))
    assert fastest["stream_missed"] == 0
    return figures


async def more_rows(place: Installation) -> Figures:
    """The log is filled as if the readings had read it."""
    before = await place.progress()
    rate, by_rows = await growth.with_rows(place, [300, 600], messages=200, seconds=0.5)
    after = await place.progress()
    assert after.stored - before.stored > 600
    assert after.worst == 0
    return {"latency_per_s": rate, "by_rows": by_rows, "by_devices": []}


async def gateway_off(place: Installation) -> Figures:
    """A gateway that was off catches up."""
    figures: Figures = await outage.measured(place, off_s=1.0, rate=100.0, live_s=2.0, devices=2)
    assert figures["complete"]
    return figures


def written(folder: Path, kept: dict[str, Figures]) -> tuple[str, dict[str, str]]:
    """The page and the charts that the report makes of these figures, which add up."""
    machine = {**proc.machine(), "python": "3.11"}
    stamp = {"at": "2026-01-01T00:00Z", "scale": "smoke", "commit": "test", "took_s": 1, "machine": machine}
    assert adds_up(kept)
    for part, figures in kept.items():
        (folder / f"{part}.json").write_text(json.dumps({**stamp, "figures": figures}), encoding="utf-8")
    assert report.write(folder, folder / "page.md") == 0
    charts = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.svg")}
    return (folder / "page.md").read_text(encoding="utf-8"), charts
