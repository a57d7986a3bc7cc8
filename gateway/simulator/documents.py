"""An event as a device writes it: the short form of docs/protocol.md."""

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Document:
    """One event on its way: what is sent again is the same document. A last will has no id, and no time."""

    type: str
    body: dict[str, object]

    @property
    def id(self) -> str:
        """The device's id for it, which a receipt names."""
        return str(self.body.get("id", ""))

    def payload(self) -> bytes:
        """Return the bytes to publish."""
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()
