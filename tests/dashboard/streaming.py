"""A reader of server-sent events, as simple as the format."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientResponse, ClientSession


@dataclass(frozen=True)
class Sent:
    """One event of a stream."""

    event: str
    data: dict[str, Any]
    id: str | None


class Stream:
    """The events of an open stream, one after the other."""

    def __init__(self, answer: ClientResponse) -> None:
        self.answer = answer

    async def next(self, *names: str, within: float = 5) -> Sent:
        """The next event with one of these names, whatever else comes before it."""
        async with asyncio.timeout(within):
            while True:
                sent = await self._one()
                if not names or sent.event in names:
                    return sent

    async def end(self, within: float = 5) -> None:
        """Return when the stream has ended."""
        async with asyncio.timeout(within):
            while await self.answer.content.readline():
                pass

    async def _one(self) -> Sent:
        fields: dict[str, str] = {}
        while True:
            line = (await self.answer.content.readline()).decode()
            if not line:
                raise EOFError
            if line == "\n" and "event" in fields:
                return Sent(fields["event"], json.loads(fields["data"]), fields.get("id"))
            name, _, value = line.rstrip("\n").partition(": ")
            fields[name] = value


@asynccontextmanager
async def stream(http: ClientSession, path: str = "/api/v1/live", **headers: str) -> AsyncIterator[Stream]:
    """Open a stream."""
    async with http.get(path, headers=headers) as answer:
        assert answer.status == 200, answer.status
        assert answer.content_type == "text/event-stream"
        yield Stream(answer)
