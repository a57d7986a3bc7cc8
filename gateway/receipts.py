"""Receipts: tell a device with a spool what is stored and what is refused, so that it can let go of both.

`compose` is our side, `read_receipt` the device's.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from pydantic import BaseModel, ConfigDict

from gateway.topics import ack_topic
from services.ingest.models import Accepted, Refused

# A receipt stays below what small devices can take in at once.
IDS = 200


def compose(
    accepted: Sequence[Accepted], refused: Sequence[Refused], *, spooling: Collection[tuple[str, str]]
) -> Iterator[tuple[str, bytes]]:
    """Yield (topic, payload) of the receipts for a stored batch, one or more a device (protocol, receipt).

    `spooling` holds the (municipality, device) that have declared a spool; others get none. Only what carries the
    device's own id can be named.
    """
    if not spooling:
        return
    ids: dict[tuple[str, str], list[str]] = defaultdict(list)
    reasons: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for event in accepted:
        if (key := (event.municipality, event.device)) in spooling and event.id_given:
            ids[key].append(event.id)
    for refusal in refused:
        if (
            refusal.device
            and refusal.event_id
            and (key := (refusal.municipality, refusal.device)) in spooling
        ):
            reasons[key].append({"id": refusal.event_id, "reason": refusal.reason})
    for key in sorted({*ids, *reasons}):
        for taken, turned_away in _pages(ids.get(key, []), reasons.get(key, [])):
            payload = json.dumps(
                {"ids": taken, "refused": turned_away}, ensure_ascii=False, separators=(",", ":")
            )
            yield ack_topic(*key), payload.encode()


def read_receipt(payload: bytes) -> tuple[list[str], dict[str, str]]:
    """Return the ids that a receipt names as stored, and those it names as refused, with the reason.

    Raises ValueError for what is no receipt. What it says beside that is left to later versions of the protocol.
    """
    receipt = _Receipt.model_validate_json(payload)
    return receipt.ids, {refusal.id: refusal.reason for refusal in receipt.refused}


class _Refusal(BaseModel):
    model_config = ConfigDict(strict=True)

    id: str
    reason: str = ""


class _Receipt(BaseModel):
    model_config = ConfigDict(strict=True)

    ids: list[str] = []
    refused: list[_Refusal] = []


def _pages(ids: list[str], reasons: list[dict[str, str]]) -> Iterable[tuple[list[str], list[dict[str, str]]]]:
    for start in range(0, max(len(ids), len(reasons)), IDS):
        yield ids[start : start + IDS], reasons[start : start + IDS]
