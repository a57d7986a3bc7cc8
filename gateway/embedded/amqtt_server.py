"""The process of the embedded amqtt broker: `python -m gateway.embedded.amqtt_server --port 1883`."""

import argparse
import asyncio
import logging
import signal
from typing import Any

# amqtt's own plug-in for anonymous clients forgets their sessions a second after they leave. Its base class
# lets everybody in and does not.
_EVERYBODY = "amqtt.plugins.base.BaseAuthPlugin"
_SHUTDOWN_WITHIN = 3.0


def configuration(host: str, port: int) -> dict[str, Any]:
    """The broker's configuration: one listener, everybody may come in, no other plug-ins."""
    return {
        "listeners": {"default": {"type": "tcp", "bind": f"{host}:{port}"}},
        "plugins": {_EVERYBODY: {}},
    }


async def serve(host: str, port: int) -> None:
    """Run the broker until SIGTERM or SIGINT."""
    from amqtt.broker import Broker  # noqa: PLC0415 - an extra: only this process needs it installed

    asked_to_end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for ending in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(ending, asked_to_end.set)
    broker = Broker(configuration(host, port))
    await broker.start()
    await asked_to_end.wait()
    try:
        async with asyncio.timeout(_SHUTDOWN_WITHIN):
            await broker.shutdown()
    except TimeoutError:
        logging.getLogger(__name__).warning("amqtt did not shut down in time")


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="An MQTT 3.1.1 broker for a demo on loopback.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    # Its warnings name addresses and client ids.
    logging.basicConfig(level=logging.ERROR)
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    asyncio.run(serve(arguments.host, arguments.port))


if __name__ == "__main__":
    main()
