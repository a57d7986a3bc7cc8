"""How a kiosk fares: what the kernel knows of its screen, power and storage, and the version that it shows."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gateway.agent.options import KioskOptions
from gateway.agent.sources import files
from gateway.agent.sources.model import Read
from services.events.fields import Fact
from services.events.kiosk import KioskHealth

_LIT = "0"  # FB_BLANK_UNBLANK
_MAINS = {"Mains", "USB"}
_OFFLINE = "0"  # else 1, or 2 where the voltage is negotiated


def kiosk_health(options: KioskOptions, *, root: Path) -> Read:
    """Return what reads a kiosk's health: nothing where nothing can be measured."""

    async def read() -> Sequence[Fact]:
        version = options.content_version_file
        measured = {
            "screen_on": _screen_on(root, options.backlight),
            "storage_free_bytes": _free_bytes(options.storage),
            "content_version": files.text(version) if version else None,
            **(_power(root / "sys/class/power_supply") if options.power_supply else {}),
        }
        known = {name: value for name, value in measured.items() if value not in {None, ""}}
        try:
            return [KioskHealth.model_validate(known)]
        except ValidationError:  # nothing was measured, or a version that is no label
            known.pop("content_version", None)
            return [KioskHealth.model_validate(known)] if known else []

    return read


def _screen_on(root: Path, backlight: str | None) -> bool | None:
    said = files.text(root / "sys/class/backlight" / backlight / "bl_power") if backlight else None
    return None if said is None else said == _LIT


def _free_bytes(path: Path | None) -> int | None:
    try:
        found = os.statvfs(path) if path is not None else None
    except OSError:
        return None
    return found.f_bavail * found.f_frsize if found else None


def _power(supplies: Path) -> dict[str, Any]:
    """Return battery and source of power; a machine without either has nothing to say.

    The battery of a mouse is not the machine's, and an unused USB port alone does not mean that it runs on battery.
    """
    try:
        own = [supply for supply in supplies.iterdir() if files.text(supply / "scope") != "Device"]
    except OSError:
        return {}
    kinds = {supply: files.text(supply / "type") for supply in own}
    charges = [files.number(supply / "capacity") for supply, kind in kinds.items() if kind == "Battery"]
    known = [charge for charge in charges if charge is not None and 0 <= charge <= 100]
    mains = {files.text(supply / "online") for supply, kind in kinds.items() if kind in _MAINS} - {None}
    said: dict[str, Any] = {"batt_pct": min(known)} if known else {}
    if mains - {_OFFLINE}:
        said["power"] = "mains"
    elif mains and charges:
        said["power"] = "battery"
    return said
