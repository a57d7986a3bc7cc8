"""Parcels and a small registry, for tests of judging."""

from datetime import UTC, datetime
from typing import Final

from services.ingest import stages
from services.ingest.models import LIMITS, Accepted, KnownDevice, Limits, Parcel, Refused

NOW: Final = datetime(2026, 6, 3, 8, 15, 30, 250_999, tzinfo=UTC)


class Village:
    """Ljungby's devices, one in each state, and one of Motala's."""

    def device(self, municipality: str, device: str, /) -> KnownDevice | None:
        lifecycle = {
            "hs-lidhult-1": "active",
            "ki-lidhult-1": "registered",
            "hs-lagan-1": "suspended",
            "hs-ryssby-1": "retired",
        }.get(device)
        if municipality != "0781" or lifecycle is None:
            return None
        return KnownDevice(id=device, kind="hotspot", lifecycle=lifecycle)

    def municipality_of(self, device: str, /) -> str | None:
        return "0583" if device == "hs-fornasa-1" else None


def parcel(
    payload: bytes,
    event_type: str | None = "device.heartbeat",
    *,
    device: str = "hs-lidhult-1",
    retain: bool = False,
) -> Parcel:
    topic = f"bypunkt/v1/0781/{device}/{event_type}"
    return Parcel("0781", device, event_type, topic=topic, payload=payload, retain=retain, received_at=NOW)


def judged(sent: Parcel, limits: Limits = LIMITS) -> Accepted | Refused:
    """The one verdict on a parcel of one event."""
    (verdict,) = stages.judge(sent, Village(), limits=limits)
    return verdict


def accepted(sent: Parcel, limits: Limits = LIMITS) -> Accepted:
    verdict = judged(sent, limits)
    assert isinstance(verdict, Accepted), verdict
    return verdict


def refused(sent: Parcel, limits: Limits = LIMITS) -> Refused:
    verdict = judged(sent, limits)
    assert isinstance(verdict, Refused), verdict
    return verdict
