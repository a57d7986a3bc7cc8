"""W3: all of Sweden. 290 municipalities with 1,000 devices each, every 20 s: 14,500 single-event messages a second."""

from benchmarks.driver import Load
from benchmarks.installation import Installation, installation
from benchmarks.runs import run

VILLAGES, DEVICES, RATE = 290, 1_000, 14_500
# The fleet grows in these steps, each for as long as every device needs to be heard once.
STEPS, STEP_S = (0.4, 0.6, 0.7, 0.8, 0.9, 1.0), 21


async def measure(*, seconds: float = 60.0, rate: float = RATE, devices: int = DEVICES) -> dict[str, object]:
    """Hold the rate for so many seconds, sample the readings' lag, and count CPU by part.

    The fleet grows to its size before: a country's devices are neither all new nor all late in the same minute.
    """
    async with installation(municipalities=VILLAGES, devices=devices) as place:
        for step, share in enumerate(STEPS):
            load = Load(
                int(share * rate * STEP_S), rate=share * rate,
                municipalities=VILLAGES, devices=int(share * devices), run=f"step{step}",
            )  # fmt: skip
            await run(place, load)
        return await measured(place, seconds=seconds, rate=rate, devices=devices)


async def measured(
    place: Installation, *, seconds: float, rate: float, devices: int, name: str = "w3"
) -> dict[str, object]:
    """Measure on what stands already."""
    load = Load(int(rate * seconds), rate=rate, municipalities=VILLAGES, devices=devices, run=name)
    done = await run(place, load)
    during = [sample for sample in done.samples if sample.at_s <= seconds]
    # A tenth of the time to come up to speed.
    lags = sorted(sample.behind_s for sample in during if sample.at_s > seconds / 10)
    return {
        **done.figures(),
        "offered_per_s": rate,
        "seconds": seconds,
        "stored_by_the_end": round(max((sample.stored for sample in during), default=0) / done.report.new, 3),
        "lag_s": {"p50": _at(lags, 0.5), "p99": _at(lags, 0.99), "worst": _at(lags, 1.0)},
        "lag_events_worst": max((sample.behind for sample in during), default=0),
        "caught_up_s": round(max(0.0, done.read_s - seconds), 2),
        "samples": [[sample.at_s, sample.stored, sample.behind] for sample in done.samples],
    }


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
