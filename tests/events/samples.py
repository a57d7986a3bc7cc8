"""The golden samples, and what tests of events build on them."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "golden" / "events"
TYPES = sorted(path.stem for path in FOLDER.glob("*.json"))


def sample(event_type: str) -> dict[str, Any]:
    """The golden sample of an event type, in the short form."""
    document: dict[str, Any] = json.loads((FOLDER / f"{event_type}.json").read_text(encoding="utf-8"))
    return document


def cloud_event(event_type: str, *, source: str = "/0781/hs-lidhult-1") -> dict[str, Any]:
    """The golden sample of an event type as a CloudEvent."""
    said = {"specversion": "1.0", "type": event_type, "source": source, "datacontenttype": "application/json"}
    return {**said, **sample(event_type)}


def encoded(document: object) -> bytes:
    """A document as it goes over the wire."""
    return json.dumps(document, ensure_ascii=False).encode()
