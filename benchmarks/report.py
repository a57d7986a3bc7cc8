"""From the figures that were kept to docs/benchmarks.md and its charts; and the short table for the terminal."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.charts import bars, lines, number_words
from benchmarks.words import CLOSING, INTRODUCTION, SECTIONS

DOCS = Path(__file__).parents[1] / "docs"
KEPT = DOCS / "benchmarks"
_PARTS = ("broker", "postgres", "gateway", "worker", "driver")
# What W3 leaves an event on two cores: 2 s of CPU a second, shared by 14,500.
_BUDGET_US = 138

Figures = Mapping[str, Any]
Row = tuple[str, ...]


def table(name: str, found: Figures) -> str:
    """The part's figures as a Markdown table."""
    return _markdown(_TABLES[name](found["figures"]))


def write(kept: Path = KEPT, page: Path = DOCS / "benchmarks.md") -> int:
    """Write the page and its charts; 1 when nothing has been kept."""
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(kept.glob("*.json"))}
    if not found:
        print('nothing is kept yet: make bench ARGS="--keep"')
        return 1
    sections = []
    for name, (heading, words) in SECTIONS.items():
        if name not in found:
            continue
        charts = _CHARTS[name](found[name]["figures"]) if name in _CHARTS else {}
        for chart, drawing in charts.items():
            (kept / f"{chart}.svg").write_text(drawing, encoding="utf-8")
        pictures = "\n\n".join(f"![{_words(chart)}](benchmarks/{chart}.svg)" for chart in charts)
        parts = [
            f"## {heading}",
            " ".join(words.split()),
            table(name, found[name]),
            pictures,
            _measured(found[name]),
        ]
        sections.append("\n\n".join(part for part in parts if part))
    page.write_text("\n\n".join([INTRODUCTION.strip(), *sections, CLOSING.strip()]) + "\n", encoding="utf-8")
    print(f"{page.name}: {len(sections)} sections of {len(SECTIONS)}")
    return 0


def _measured(found: Figures) -> str:
    machine = found["machine"]
    more = (
        "" if found["scale"] == "full" else f" A short run (`--{found['scale']}`), good for its shape only."
    )
    if machine["load_before"] > machine["cores"] / 2:
        more += (
            " **The machine was busy with other work:** rates are too low and times too long; CPU and ratios hold "
            "better."
        )
    return (
        f"*Measured {found['at']} on {machine['cores']} cores of {machine['processor']}, {machine['memory_gib']} GiB, "
        f"Python {machine['python']}; load before it {machine['load_before']:.1f}; version `{found['commit']}`; "
        f"{found['took_s']} s.*{more}"
    )


def _markdown(rows: list[Row]) -> str:
    head, *rest = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, tuple("---" for _ in head), *rest))


def _words(name: str) -> str:
    return name.replace("-", " ")


def _n(value: object) -> str:
    return number_words(float(value)) if isinstance(value, int | float) else str(value)


def _cost(figures: Figures) -> Row:
    used = figures["cpu_us"]
    whole = sum(used.values())
    return (*(_n(used.get(part, 0.0)) for part in _PARTS), _n(round(whole, 1)))


def _speed(figures: Figures) -> list[Row]:
    alone, script = figures["broker_alone"]["per_s"], figures["script"]["per_s"]
    rows: list[Row] = [
        ("", "events/s", "× script", "× broker alone", *(f"{part}, µs" for part in _PARTS), "all, µs"),
        (
            "broker alone, to a subscriber that discards",
            _n(alone),
            _n(round(alone / script, 1)),
            "1",
            *[""] * 6,
        ),
        ("the script: paho, one INSERT a message", _n(script), "1", _n(round(script / alone, 3)), *[""] * 6),
    ]
    for key, words in (
        ("single", "bypunkt, one event a message"),
        ("batches_of_20", "bypunkt, 20 events a message"),
    ):
        one = figures[key]
        rate = one["read_per_s"]
        rows.append((words, _n(rate), _n(round(rate / script, 1)), _n(round(rate / alone, 2)), *_cost(one)))
    return rows


def _country(figures: Figures) -> list[Row]:
    lag = figures["lag_s"]
    return [
        ("", "W3"),
        ("offered, messages/s", f"{_n(figures['offered_per_s'])} for {_n(figures['seconds'])} s"),
        ("stored and read, events/s", f"{_n(figures['stored_per_s'])}, {_n(figures['read_per_s'])}"),
        ("stored when the last was sent", f"{figures['stored_by_the_end']:.1%}"),
        ("everything read, s after the last was sent", _n(figures["caught_up_s"])),
        ("readings' lag p50, p99, worst, s", f"{_n(lag['p50'])}, {_n(lag['p99'])}, {_n(lag['worst'])}"),
        ("worst lag, events", _n(figures["lag_events_worst"])),
        ("the driver was late by at most, s", _n(figures["driver"]["latest_s"])),
        (
            f"CPU an event: {', '.join(_PARTS)}; all (there is room for {_BUDGET_US}), µs",
            ", ".join(_cost(figures)),
        ),
        ("sent and not accounted for", _n(figures["difference"])),
    ]


def _latency(figures: Figures) -> list[Row]:
    head = (
        "load",
        "messages/s",
        *(f"{name} {p}, ms" for name in ("commit", "receipt", "stream") for p in ("p50", "p99")),
    )
    rows: list[Row] = [head]
    for point in figures["points"]:
        if "skipped" in point:
            rows.append((point["load"], _n(point["per_s"]), point["skipped"], *[""] * 5))
            continue
        values = [
            _n(point[f"{name}_ms"].get(p, "–"))
            for name in ("commit", "receipt", "stream")
            for p in ("p50", "p99")
        ]
        rows.append((point["load"], _n(point["per_s"]), *values))
    return rows


def _size(figures: Figures) -> list[Row]:
    grown = figures["bytes_per_event"]
    memory = figures["memory"]
    middle, last = memory[len(memory) // 2][1], memory[-1][1]
    rows: list[Row] = [
        ("", "figure"),
        (
            "bytes an event: rows + indexes of the log",
            f"{_n(grown['rows_bytes'])} + {_n(grown['index_bytes'])}",
        ),
        ("… whole database, readings included", _n(grown["database_bytes"])),
        ("… write-ahead log", _n(grown["wal_bytes"])),
        (
            "… archived",
            _n(figures["archive"]) if figures["archive"] else "[11.5 to 24.8](retention.md#the-archive)",
        ),
    ]
    rows += [
        (f"memory of the {name}, MiB: start, half, after {_n(figures['events'])} events",
         ", ".join(_n(round(value / 2**20)) for value in (memory[0][1][name], middle[name], last[name])))
        for name in last
    ]  # fmt: skip
    return rows


def _growth(figures: Figures) -> list[Row]:
    rows: list[Row] = [("", "events/s", "CPU an event, µs", "commit p50, ms", "commit p99, ms")]
    for key, unit in (("by_rows", "rows"), ("by_devices", "devices")):
        for point in figures[key]:
            commit = point.get("commit_ms", {})
            rows.append((
                f"{_n(point[unit])} {unit}", _n(point["per_s"]), _n(point["cpu_us"]),
                _n(commit.get("p50", "–")), _n(commit.get("p99", "–")),
            ))  # fmt: skip
    return rows


def _outage(figures: Figures) -> list[Row]:
    return [
        ("", "W5"),
        ("gateway off, s", _n(figures["off_s"])),
        ("live load throughout, messages/s", _n(figures["offered_per_s"])),
        ("the log had caught up after its start, s", _n(figures["stored_up_s"])),
        ("the readings too, s", _n(figures["caught_up_s"])),
        ("… while live load went on", "yes" if figures["while_live"] else "no, only after it had ended"),
        ("sent and not accounted for", _n(figures["difference"])),
    ]


def _halves(figures: Figures) -> list[Row]:
    if "skipped" in figures:
        return [("", "figure"), ("not measured", figures["skipped"])]
    return [
        ("", "figure"),
        ("one gateway, events/s stored", _n(figures["one_per_s"])),
        ("two gateways, events/s stored", _n(figures["two_per_s"])),
        ("two over one", _n(figures["two_over_one"])),
        ("lanes of one killed with -9 go on after, s", _n(figures["taken_over_s"])),
        ("sent and not accounted for", _n(figures["difference"])),
    ]


def _speed_charts(figures: Figures) -> dict[str, str]:
    shown = {
        "the script": figures["script"]["per_s"], "single events": figures["single"]["read_per_s"],
        "batches of 20": figures["batches_of_20"]["read_per_s"], "broker alone": figures["broker_alone"]["per_s"],
    }  # fmt: skip
    return {"durable-events-a-second": bars("Durable events a second", shown, unit="/s")}


def _country_charts(figures: Figures) -> dict[str, str]:
    used = {part: figures["cpu_us"].get(part, 0.0) for part in _PARTS}
    # Of what is offered, only what is new can be stored.
    rate = figures["offered_per_s"] * figures["stored"] / figures["events"]
    series = {
        "offered": [(0.0, 0.0), (figures["seconds"], rate * figures["seconds"])],
        "stored": [(0.0, 0.0), *((at, stored) for at, stored, _ in figures["samples"])],
        "read": [(0.0, 0.0), *((at, stored - behind) for at, stored, behind in figures["samples"])],
    }
    return {
        "cost-of-an-event-at-w3": bars("CPU an event at W3, by part", used, unit="µs"),
        "offered-stored-and-read-at-w3": lines(
            "Offered, stored and read at W3", series, x_unit="seconds", y_unit="events"
        ),
    }


def _latency_charts(figures: Figures) -> dict[str, str]:
    points = [point for point in figures["points"] if "skipped" not in point]
    series = {
        f"{name} {p}": [
            (point["per_s"], point[f"{name}_ms"][p]) for point in points if p in point[f"{name}_ms"]
        ]
        for name in ("commit", "stream")
        for p in ("p50", "p99")
    }
    return {
        "latency-under-load": lines(
            "From publish, under load", series, x_unit="messages a second", y_unit="ms"
        )
    }


def _size_charts(figures: Figures) -> dict[str, str]:
    series = {
        name: [(events, memory[name] / 2**20) for events, memory in figures["memory"]]
        for name in figures["memory"][-1][1]
    }
    return {"memory-over-events": lines("Memory over events", series, x_unit="events", y_unit="MiB")}


def _growth_charts(figures: Figures) -> dict[str, str]:
    costs = {
        f"{_n(point[unit])} {unit}": point["cpu_us"]
        for key, unit in (("by_rows", "rows"), ("by_devices", "devices"))
        for point in figures[key]
    }
    return {"cost-of-an-event-as-it-grows": bars("CPU an event as log and devices grow", costs, unit="µs")}


def _history(figures: Figures) -> list[Row]:
    asked = ("overview_30", "overview_365", "point_30", "point_365", "report_year")
    rows: list[Row] = [
        ("months of history", "days stored", *(f"{name.replace('_', ' ')}: p50, p99 ms" for name in asked))
    ]
    for point in figures["by_months"]:
        times = (f"{_n(point[name]['p50'])}, {_n(point[name]['p99'])}" for name in asked)
        rows.append((_n(point["months"]), _n(point["days"]), *times))
    grown = figures["growth"]
    rows.append(("longest : shortest", "", f"× {grown['overview_30']}", "", f"× {grown['point_30']}", "", ""))
    return rows


_TABLES: Mapping[str, Callable[[Figures], list[Row]]] = {
    "speed": _speed, "country": _country, "latency": _latency, "size": _size, "growth": _growth,
    "outage": _outage, "halves": _halves, "history": _history,
}  # fmt: skip
_CHARTS: Mapping[str, Callable[[Figures], dict[str, str]]] = {
    "speed": _speed_charts, "country": _country_charts, "latency": _latency_charts, "size": _size_charts,
    "growth": _growth_charts,
}  # fmt: skip
