"""Whether the internet is reached, and how long a round trip takes: a TCP connection to a server that is named."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.agent.options import UplinkOptions


def uplink(options: UplinkOptions | None) -> Callable[[], Awaitable[dict[str, Any]]]:
    """Return what looks at the uplink: fields of a heartbeat, none when no server is named."""

    async def look() -> dict[str, Any]:
        if options is None:
            return {}
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(options.timeout_s):
                [(*_, address), *_] = await loop.getaddrinfo(
                    options.host, options.port, type=socket.SOCK_STREAM
                )
                # Without the look-up of the name, which says nothing of the line.
                began = loop.time()
                _, writer = await asyncio.open_connection(str(address[0]), options.port)
                took_ms = (loop.time() - began) * 1000
        except (OSError, UnicodeError):
            # TimeoutError too; and a name that cannot be one must not silence the heartbeat.
            return {"uplink_ok": False}
        writer.close()
        return {"uplink_ok": True, "rtt_ms": round(took_ms, 1)}

    return look
