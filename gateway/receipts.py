"""Receipts: tell a device with a spool what is stored and what is refused, so that it can let go of both."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

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


def _pages(ids: list[str], reasons: list[dict[str, str]]) -> Iterable[tuple[list[str], list[dict[str, str]]]]:
    for start in range(0, max(len(ids), len(reasons)), IDS):
        yield ids[start : start + IDS], reasons[start : start + IDS]
