"""Points at which a process ends or stands still, for tests of what happens when it does so just there.

`BYPUNKT_FAILPOINTS="gateway.stored=kill@3,gateway.received=freeze:0.3"` is read once, at import: at its third passing
of the one point the process kills itself (SIGKILL), at every passing of the other it stands still for 0.3 s, with all
its threads that need Python. Never set where events count; `bypunkt check` warns of it (docs/faults.md).
"""

import os
import re
import signal
import time
from dataclasses import dataclass

SETTING = "BYPUNKT_FAILPOINTS"
_POINT = re.compile(r"(?P<name>[a-z_.]+)=(?:kill|freeze:(?P<seconds>\d+(?:\.\d+)?))(?:@(?P<nth>[1-9]\d*))?")


class NotAFailpoint(ValueError):
    """What the environment variable says cannot be read."""


@dataclass(slots=True)
class _Point:
    freeze_s: float | None
    nth: int | None
    passed: int = 0


def read(text: str) -> dict[str, _Point]:
    """Read `name=kill@N` and `name=freeze:SECONDS@N`, separated by commas; raises `NotAFailpoint`.

    N is the passing that counts. Without it a kill comes at the first, and a freeze at every one.
    """
    points = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = _POINT.fullmatch(part)
        if match is None:
            raise NotAFailpoint(f"{SETTING}: {part!r} is neither name=kill@N nor name=freeze:SECONDS@N")
        seconds, nth = match["seconds"], match["nth"]
        points[match["name"]] = _Point(float(seconds) if seconds else None, int(nth) if nth else None)
    return points


_points = read(os.environ.get(SETTING, ""))


def hit(name: str) -> None:
    """Pass a point: nothing happens unless the environment says so."""
    if _points and (point := _points.get(name)) is not None:
        _pass(point)


def _pass(point: _Point) -> None:
    point.passed += 1
    if point.nth is not None and point.passed != point.nth:
        return
    if point.freeze_s is None:
        os.kill(os.getpid(), signal.SIGKILL)
    else:
        time.sleep(point.freeze_s)
