"""The heartbeat: that the machine is alive, and how it fares."""

import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from gateway.agent.options import VitalsOptions
from gateway.agent.sources import files
from gateway.agent.sources.model import Read
from services.events.device import DeviceHeartbeat
from services.events.fields import Fact


def heartbeat(
    options: VitalsOptions, look_up: Callable[[], Awaitable[dict[str, Any]]], *, root: Path
) -> Read:
    """Return what reads a heartbeat; `look_up` says how the uplink fares."""

    async def read() -> Sequence[Fact]:
        uptime = files.number(root / "proc/uptime")
        if uptime is None:
            return []
        measured = {
            "load1": files.number(root / "proc/loadavg"),
            "mem_used_pct": memory_used_pct(files.text(root / "proc/meminfo") or ""),
            "disk_used_pct": disk_used_pct(options.disk),
            "temp_c": _temperature(root, options.thermal_zone),
            **await look_up(),
        }
        known = {name: value for name, value in measured.items() if value is not None}
        return [DeviceHeartbeat(uptime_s=int(uptime), **known)]

    return read


def memory_used_pct(meminfo: str) -> float | None:
    """Return how much of the memory is in use, by /proc/meminfo."""
    lines = dict(line.split(":", 1) for line in meminfo.splitlines() if ":" in line)
    try:
        total, free = (int(lines[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
    except (KeyError, ValueError, IndexError):
        return None
    return round(100 * (total - free) / total, 1) if 0 <= free <= total and total else None


def disk_used_pct(path: Path) -> float | None:
    """Return how much of a file system is in use, as `df` counts it."""
    try:
        found = os.statvfs(path)
    except OSError:
        return None
    used = found.f_blocks - found.f_bfree
    whole = used + found.f_bavail
    return round(100 * used / whole, 1) if whole else None


def _temperature(root: Path, zone: str | None) -> float | None:
    """Return a temperature in °C; the kernel gives thousandths, and nonsense where a sensor is broken."""
    if zone is None:
        return None
    found = files.number(root / "sys/class/thermal" / zone / "temp")
    return found / 1000 if found is not None and -100_000 <= found <= 250_000 else None
