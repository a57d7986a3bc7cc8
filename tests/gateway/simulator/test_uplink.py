"""The relay against a real broker, and against a listener that notes what reaches it."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.embedded import Mosquitto
from gateway.embedded.mosquitto import MosquittoOptions
from gateway.mqtt import Session, SessionOptions, Trouble, Will
from gateway.simulator.uplink import BrokerAddress, Uplink, _Near
from tests.support import eventually

HERE = Path(__file__).parent


@dataclass
class Listener:
    """Somebody at the other end, who answers each line in capitals."""

    port: int = 0
    heard: bytearray = field(default_factory=bytearray)
    ended: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while data := await reader.read(1024):
                self.heard += data
                writer.write(data.upper())
        except ConnectionError:
            self.heard += b"!"
        self.ended += 1
        writer.close()


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[Listener, Uplink]]:
    listener = Listener()
    server = await asyncio.start_server(listener.serve, "127.0.0.1", 0)
    listener.port = server.sockets[0].getsockname()[1]
    async with server, Uplink(BrokerAddress("127.0.0.1", listener.port)) as uplink:
        try:
            yield listener, uplink
        finally:
            for writer in listener.writers:
                writer.close()
                with suppress(ConnectionError):
                    await writer.wait_closed()


async def dial(listener: Listener, uplink: Uplink) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(uplink.address.host, uplink.address.port)
    listener.writers.append(writer)
    return reader, writer


async def answer(reader: asyncio.StreamReader, size: int = 1024) -> bytes:
    async with asyncio.timeout(10):
        return await reader.read(size)


async def is_over(reader: asyncio.StreamReader) -> bool:
    with suppress(ConnectionError):
        return await answer(reader) == b""
    return True


async def test_it_passes_on_and_half_closes_like_a_wire() -> None:
    async with listening() as (listener, uplink):
        reader, writer = await dial(listener, uplink)
        writer.write(b"hej")
        assert await answer(reader) == b"HEJ"
        writer.write_eof()
        assert await answer(reader) == b""
        assert (bytes(listener.heard), listener.ended) == (b"hej", 1)


async def test_silence_keeps_what_was_said_until_it_is_over() -> None:
    async with listening() as (listener, uplink):
        reader, writer = await dial(listener, uplink)
        writer.write(b"a")
        assert await answer(reader) == b"A"
        uplink.fall_silent()
        writer.write(b"b")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await reader.read(1)
        assert bytes(listener.heard) == b"a"
        uplink.restore()
        assert await answer(reader) == b"B"


async def test_who_dials_into_silence_is_heard_when_it_is_over_unless_gone_by_then() -> None:
    async with listening() as (listener, uplink):
        uplink.fall_silent()
        _, impatient = await dial(listener, uplink)
        impatient.write(b"x")
        impatient.close()
        reader, patient = await dial(listener, uplink)
        patient.write(b"y")
        await eventually(lambda: len(uplink._lines) == 1)  # the impatient one is forgotten
        assert listener.heard == b""
        uplink.restore()
        assert await answer(reader) == b"Y"
        assert bytes(listener.heard) == b"y"


async def test_a_hang_up_in_silence_reaches_the_other_side_afterwards() -> None:
    async with listening() as (listener, uplink):
        reader, writer = await dial(listener, uplink)
        writer.write(b"a")
        assert await answer(reader) == b"A"
        uplink.fall_silent()
        writer.close()
        await asyncio.sleep(0.2)
        assert listener.ended == 0
        uplink.restore()
        await eventually(lambda: listener.ended == 1)


async def test_a_cut_ends_both_sides_and_refuses_until_it_is_mended() -> None:
    async with listening() as (listener, uplink):
        reader, writer = await dial(listener, uplink)
        writer.write(b"a")
        assert await answer(reader) == b"A"
        uplink.cut()
        assert await is_over(reader)
        await eventually(lambda: listener.ended == 1)
        again, refused = await dial(listener, uplink)
        refused.write(b"b")
        assert await is_over(again)
        uplink.restore()
        reader, mended = await dial(listener, uplink)
        mended.write(b"c")
        assert await answer(reader) == b"C"
        assert b"b" not in listener.heard


async def test_a_broker_that_is_away_is_a_connection_that_ends() -> None:
    async with listening() as (listener, _), Uplink(BrokerAddress("127.0.0.1", 1)) as nowhere:
        reader, _writer = await dial(listener, nowhere)
        assert await is_over(reader)
        assert listener.heard == b""


async def test_who_talks_much_before_being_heard_has_to_wait() -> None:
    async with listening() as (listener, uplink):
        uplink.fall_silent()
        reader, writer = await dial(listener, uplink)
        writer.write(b"x" * 5_000_000)
        await eventually(lambda: uplink._lines)
        await asyncio.sleep(0.2)
        (line,) = uplink._lines
        assert isinstance(line.near, _Near)
        assert len(line.near.early) < 500_000
        uplink.restore()
        got = 0
        while got < 5_000_000:
            got += len(await answer(reader, 65536))
        assert len(listener.heard) == 5_000_000


async def test_a_slow_reader_slows_the_writer_and_loses_nothing() -> None:
    async with listening() as (listener, uplink):
        reader, writer = await dial(listener, uplink)
        size = 20_000_000
        writer.write(b"x" * size)
        got = 0
        async with asyncio.timeout(30):
            while got < size:
                got += len(await reader.read(65536))
        assert len(listener.heard) == size


async def test_the_broker_finds_a_silent_device_gone_only_when_its_patience_is_over(
    mosquitto: Mosquitto,
) -> None:
    downs: list[str] = []
    watcher = SessionOptions(
        host=mosquitto.host, port=mosquitto.port, client_id="w", subscriptions=("#",), durable=False
    )
    async with Session(watcher) as lane, Uplink(BrokerAddress(mosquitto.host, mosquitto.port)) as uplink:
        await lane.wait_connected()
        what = SessionOptions(
            host=uplink.address.host,
            port=uplink.address.port,
            client_id="kiosk",
            durable=False,
            keepalive_s=5,
            will=Will(topic="will", payload=b"gone"),
        )
        async with Session(what, on_down=downs.append) as kiosk:
            await kiosk.wait_connected()
            began = asyncio.get_running_loop().time()
            uplink.fall_silent()
            async with asyncio.timeout(20):
                (will,) = await lane.batch(limit=1, linger_s=0)
            assert will.payload == b"gone"
            assert asyncio.get_running_loop().time() - began > 4
            await eventually(lambda: downs == [Trouble.LOST], within=10)
            uplink.restore()
            await eventually(lambda: kiosk.connected, within=20)


async def test_it_speaks_tls_for_the_device(open_directory: Path) -> None:
    for name in ("localhost.crt", "localhost.key"):
        shutil.copy(HERE.parent / "mqtt" / name, open_directory)
        (open_directory / name).chmod(0o644)
    certificate = open_directory / "localhost.crt"
    lines = (f"certfile {certificate}", f"keyfile {open_directory / 'localhost.key'}")
    async with (
        Mosquitto(open_directory / "broker", options=MosquittoOptions(lines=lines)) as broker,
        Uplink(BrokerAddress("localhost", broker.port, tls_ca=certificate)) as uplink,
    ):
        where = uplink.address
        what = SessionOptions(host=where.host, port=where.port, client_id="kiosk", durable=False)
        async with asyncio.timeout(20), Session(what) as kiosk:
            await kiosk.wait_connected()
            await kiosk.publish("a", b"x" * 100_000, qos=1)
