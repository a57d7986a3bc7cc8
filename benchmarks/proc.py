"""What Linux says about a process: CPU used and memory held."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """CPU seconds of a process, and of its children that have ended and been waited for; 0 when it is gone."""
    fields = _stat(pid)
    return sum(map(int, fields[11:15])) / _TICKS if fields else 0.0


def family_cpu_s(pid: int) -> float:
    """CPU seconds of a process and its living children, which is all there is of PostgreSQL."""
    children = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return cpu_s(pid) + sum(
        cpu_s(child) for child in children if (stat := _stat(child)) and int(stat[1]) == pid
    )


def resident_bytes(pid: int) -> int:
    """Memory that a process holds (its resident set); 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except FileNotFoundError:
        return 0


def machine() -> dict[str, object]:
    """The processor, its cores that we may use, and memory in GiB: what a figure depends on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )
    total = int(Path("/proc/meminfo").read_text().split()[1])
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(total / 2**20),
        "load_before": os.getloadavg()[0],
    }


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
