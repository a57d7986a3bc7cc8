"""Many devices in one process, kept connected."""

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Self

from benchmarks.faults.devices import Device, Habits, Line, now_ms

_TICK_S = 0.25


class Fleet:
    """An async context manager: while it is open its devices keep connected to `address`, a (host, port)."""

    def __init__(self, devices: Sequence[Device], address: tuple[str, int], *, rng: random.Random) -> None:
        self.devices = devices
        self._address = address
        self._rng = rng
        self._tasks = asyncio.TaskGroup()
        self._running: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        for device in self.devices:
            self._running.append(self._tasks.create_task(self._keep_connected(device), name=device.name))
        self._running.append(self._tasks.create_task(self._tick(), name="ticks"))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._running:
            task.cancel()
        await self._tasks.__aexit__(None, None, None)

    @property
    def made(self) -> int:
        """How many events were made."""
        return sum(device.made for device in self.devices)

    @property
    def left(self) -> int:
        """How many are not confirmed yet."""
        return sum(device.left for device in self.devices)

    def forgive(self) -> None:
        """Expect no more of what was made so far."""
        for device in self.devices:
            device.forgive()

    async def lose(self, devices: Sequence[Device]) -> None:
        """Let devices lose their power for good: no good-bye, and what they kept is lost with them."""
        names = {device.name for device in devices}
        ended = [task for task in self._running if task.get_name() in names]
        for task in ended:
            task.cancel()
        await asyncio.wait(ended)
        for device in devices:
            device.end()

    def make(self, count: int) -> None:
        """Make events now, spread over the devices."""
        share, more = divmod(count, len(self.devices))
        at_ms = now_ms()
        for place, device in enumerate(self.devices):
            if part := share + (place < more):
                device.make(part, at_ms)

    async def pace(self, total: int, *, rate: float) -> None:
        """Make so many events at so many a second."""
        began, first = time.monotonic(), self.made
        while (done := self.made - first) < total:
            self.make(max(0, min(total, int((time.monotonic() - began) * rate) + 1) - done))
            await asyncio.sleep(0.05)

    async def _keep_connected(self, device: Device) -> None:
        loop = asyncio.get_running_loop()
        while True:
            line = Line(device)
            try:
                async with asyncio.timeout(5):
                    await loop.create_connection(lambda line=line: line, *self._address)  # type: ignore[misc]
                await line.over.wait()
            except OSError:  # TimeoutError is one
                pass
            finally:
                line.abort()
                device.disconnected()
            await asyncio.sleep(self._rng.uniform(0.1, 0.8))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            at = time.monotonic()
            for device in self.devices:
                device.tick(at)


def fleet_of(homes: dict[str, str], address: tuple[str, int], *, habits: Habits, rng: random.Random) -> Fleet:
    """A fleet of devices: municipalities by name."""
    return Fleet([Device(name, home, habits, rng=rng) for name, home in homes.items()], address, rng=rng)
