"""What is known of a device before it is judged, and which devices need no judgement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.status.models import Carry, Expectation, Millis, Reason, Sign, SignKind
from services.status.wills import WILL_WAITS

UNJUDGED: Millis = 0
"""As `next_change_at`: the device was left alone while out of service, and is to be judged in full."""

SAID = {"online": SignKind.BIRTH, "offline": SignKind.OFFLINE, "restarting": SignKind.RESTARTING}


class Key(NamedTuple):
    """A device's key in every table."""

    municipality: str
    device: str


@dataclass(frozen=True, slots=True)
class Status:
    """What `device_status` says of a device."""

    reason: Reason
    since: Millis
    last_sign_at: Millis
    last_event_at: Millis
    next_change_at: Millis | None
    expectation: Expectation
    carry: Carry


@dataclass(frozen=True, slots=True)
class Case:
    """A device of the registry with its status so far; only those in service are `judged`."""

    key: Key
    expectation: Expectation
    judged: bool
    status: Status | None

    @property
    def waits(self) -> bool:
        """Whether it was left alone while out of service and has not been judged since."""
        return self.status is not None and self.status.next_change_at == UNJUDGED

    def afresh(self) -> "Case":
        """The case as if it had never been judged, with the expectation that it was judged by."""
        return Case(self.key, self.status.expectation if self.status else self.expectation, self.judged, None)

    def judged_from(self, settled: Millis | None) -> Millis | None:
        """Before when an anchor must lie, given what is settled; None when everything is to be judged."""
        status = self.status
        if status is None or status.expectation != self.expectation or self.waits:
            return None
        # A will waits five seconds for a birth: what lies so shortly before a change is not settled.
        return None if settled is None else settled - WILL_WAITS


def kind_of(event_type: str, said: str | None) -> SignKind:
    """What an event is a sign of."""
    if event_type == "device.status":
        return SAID.get(said or "", SignKind.OTHER)
    return SignKind.HEARTBEAT if event_type == "device.heartbeat" else SignKind.OTHER


def still_up(case: Case, signs: Sequence[Sign], *, seen_until: Millis) -> Millis | None:
    """When the device will be late, if it was up and these new signs only say that it still is; else None.

    Holds while we see. Nothing may wait: no will (it would show as an earlier change, or as an event after
    the last sign; with limits as short as a will's wait it could hide, so those are always judged).
    """
    status, late_after = case.status, case.expectation.late_after
    if status is None or status.reason is not Reason.HEARD or status.expectation != case.expectation:
        return None
    settled = status.next_change_at == status.last_sign_at + late_after and late_after > WILL_WAITS
    if not settled or status.last_event_at != status.last_sign_at:
        return None
    heard_at = status.last_sign_at
    for sign in sorted(signs, key=lambda sign: sign.order):
        plain = sign.kind in {SignKind.HEARTBEAT, SignKind.OTHER} and sign.timely
        same_word = status.carry.after(sign) == status.carry
        if not (plain and same_word and 0 <= sign.time - heard_at <= late_after):
            return None
        heard_at = sign.time
    return heard_at + late_after if heard_at + late_after > seen_until else None
