"""When the certificate that the broker shows comes to its end."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta

from gateway.options import MqttOptions

WARN_WITHIN = timedelta(days=60)
_WITHIN_S = 8.0


async def certificate_ends(options: MqttOptions) -> datetime | None:
    """Ask the broker; None without TLS, and where it shows none that is believed, which a sign-in says better."""
    if options.tls_ca is None:
        return None
    try:
        context = ssl.create_default_context(cafile=str(options.tls_ca))
        async with asyncio.timeout(_WITHIN_S):
            _, writer = await asyncio.open_connection(options.host, options.port, ssl=context)
    except (OSError, TimeoutError):
        return None
    try:
        shown = writer.get_extra_info("peercert")
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(shown["notAfter"]), UTC)
    finally:
        writer.transport.abort()  # nothing was said, so there is nothing to say good-bye to
