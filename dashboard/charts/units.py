"""Data volume in SI units, each a thousand times the one before."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit by its sign, and how many bytes it is."""

    sign: str
    size: int


UNITS = (
    Unit("B", 1),
    Unit("kB", 10**3),
    Unit("MB", 10**6),
    Unit("GB", 10**9),
    Unit("TB", 10**12),
    Unit("PB", 10**15),
)


def unit_for(most: int) -> Unit:
    """The largest unit of which `most` bytes are at least one."""
    return next((unit for unit in reversed(UNITS) if most >= unit.size), UNITS[0])
