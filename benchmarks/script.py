"""The script that one would write first: paho, one INSERT and one commit a message, then the acknowledgement."""

import argparse
import asyncio
import json
import time

import asyncpg
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

TABLE = (
    "CREATE TABLE IF NOT EXISTS public.script (topic text, received_at timestamptz DEFAULT now(), data jsonb)"
)
_INSERT = "INSERT INTO public.script (topic, data) VALUES ($1, $2)"


class Script:
    """Stores one message after the other until it has had so many."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, connection: asyncpg.Connection, messages: int
    ) -> None:
        self.came = 0
        self.first = 0.0
        self.seconds = 0.0
        self._loop, self._connection, self._messages = loop, connection, messages
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="script")
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    def run(self, host: str, port: int) -> None:
        """Store until done; paho acknowledges when `_on_message` returns."""
        self._client.connect(host, port)
        self._client.loop_forever()

    def _on_connect(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe("bypunkt/v1/#", qos=1)

    def _on_subscribe(self, *_: object) -> None:
        print("ready", flush=True)

    def _on_message(self, client: mqtt.Client, _: object, message: mqtt.MQTTMessage) -> None:
        self.first = self.first or time.perf_counter()
        self._loop.run_until_complete(
            self._connection.execute(_INSERT, message.topic, message.payload.decode())
        )
        self.came += 1
        if self.came == self._messages:
            self.seconds = time.perf_counter() - self.first
            client.disconnect()


def main() -> None:
    """Say `ready`, store, and print what was measured as JSON."""
    parser = argparse.ArgumentParser(description="Store messages one by one, and say how fast that went.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--messages", type=int, required=True)
    asked = parser.parse_args()
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(asked.dsn))
        runner.run(connection.execute(TABLE))
        script = Script(runner.get_loop(), connection, asked.messages)
        cpu = time.process_time()
        script.run(asked.host, asked.port)
        used = time.process_time() - cpu
        runner.run(connection.close())
    print(
        json.dumps(
            {"per_s": round(script.came / script.seconds), "cpu_us": round(used / script.came * 1e6, 1)}
        )
    )


if __name__ == "__main__":
    main()
