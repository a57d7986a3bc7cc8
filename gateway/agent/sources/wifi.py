"""How a hotspot is used: clients counted, bytes as the interface counts them, seen from the visitor.

Clients are counted in the output of `iw`, line by line; their addresses never leave `count_stations`.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import structlog

from gateway.agent.options import WifiOptions
from gateway.agent.sources import files
from services.events import text
from services.events.fields import Fact
from services.events.wifi import WifiUsage

log = structlog.get_logger()

Ask: TypeAlias = Callable[[Sequence[str]], Awaitable[bytes | None]]
_ANSWER_S = 10.0
_SSID = re.compile(rb"^\s*ssid (.+)$", re.MULTILINE)
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")
_FREQUENCY = re.compile(rb"^\s*channel \d+ \((\d{4,5}) MHz\)", re.MULTILINE)
_BANDS = {2: "2.4", 5: "5", 6: "6", 60: "60"}


def count_stations(lines: Iterable[bytes]) -> int:
    """Return how many clients are connected, by the lines of `iw dev … station dump`."""
    return sum(line.startswith(b"Station ") for line in lines)


async def ask(arguments: Sequence[str]) -> bytes | None:
    """Return what a program writes; None when it is not installed, fails, or does not end."""
    try:
        process = await asyncio.create_subprocess_exec(
            *arguments, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    except OSError:
        return None
    try:
        async with asyncio.timeout(_ANSWER_S):
            said, _ = await process.communicate()
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return said if process.returncode == 0 else None


class Interface:
    """One access point's interface, with the most clients that were seen at once since the last report."""

    def __init__(self, options: WifiOptions, *, every_s: float, root: Path, ask: Ask = ask) -> None:
        self._options = options
        self._interval_s = max(1, round(every_s))
        self._statistics = root / "sys/class/net" / options.iface / "statistics"
        self._ask = ask
        self._most = 0

    async def sample(self) -> Sequence[Fact]:
        """Look how many clients there are, and say nothing."""
        self._most = max(self._most, await self._clients() or 0)
        return []

    async def usage(self) -> Sequence[Fact]:
        """Return a report; none when the clients cannot be counted."""
        clients = await self._clients()
        if clients is None:
            log.debug("wifi_not_counted", iface=self._options.iface)
            return []
        most, self._most = max(self._most, clients), clients
        ssid, band = await self._name()
        measured = {
            "ssid": ssid,
            "band": band,
            # An access point sends what the visitor downloads.
            "down_bytes_total": files.count(self._statistics / "tx_bytes"),
            "up_bytes_total": files.count(self._statistics / "rx_bytes"),
        }
        return [
            WifiUsage.model_validate(
                {"iface": self._options.iface, "clients": clients, "clients_max": most}
                | {"interval_s": self._interval_s}
                | {name: value for name, value in measured.items() if value is not None}
            )
        ]

    async def _clients(self) -> int | None:
        said = await self._ask(("iw", "dev", self._options.iface, "station", "dump"))
        return None if said is None else count_stations(said.splitlines())

    async def _name(self) -> tuple[str | None, str | None]:
        """Return the network's own name and its band, as configured or as `iw` says."""
        ssid, band = self._options.ssid, self._options.band
        if ssid is not None and band is not None:
            return ssid, band
        said = await self._ask(("iw", "dev", self._options.iface, "info")) or b""
        named, tuned = _SSID.search(said), _FREQUENCY.search(said)
        ssid = ssid or (_network(named[1]) if named else None)
        return ssid, band or (_band(int(tuned[1])) if tuned else None)


def _network(said: bytes) -> str | None:
    """Return the name of a network; `iw` writes a byte that is not plain ASCII in two digits, after a mark."""
    name = _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), said)
    return text.clean(name.decode(errors="ignore")) or None


def _band(mhz: int) -> str | None:
    """Return the band of a frequency; 6 GHz begins at 5,925 MHz."""
    return _BANDS[6] if 5_925 <= mhz < 7_200 else _BANDS.get(60 if mhz > 50_000 else mhz // 1000)
