"""Cutting a stream of bytes into packets: whatever the cuts, it comes to what paho makes of the same bytes."""

from datetime import UTC, datetime
from itertools import accumulate, pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.mqtt import frames
from gateway.mqtt.errors import Ended, Trouble
from gateway.mqtt.frames import LARGEST, NOBODYS_TOPIC, Frames
from gateway.mqtt.options import Delivery
from gateway.mqtt.stream import Fed

AT = datetime(2026, 3, 1, tzinfo=UTC)
Seen = tuple[str, bytes, bool, int, int]
PINGRESP = b"\xd0\0"


class Paho:
    """paho as it comes, and what it makes of the packets it reads."""

    def __init__(self, *, v5: bool) -> None:
        self.seen: list[Seen] = []
        self.others: list[object] = []
        protocol = paho.MQTTv5 if v5 else paho.MQTTv311
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id="x", protocol=protocol, manual_ack=True
        )
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda _client, _data, mid, _codes, _properties: self.others.append(mid)
        self._client.on_disconnect = lambda *_: self.others.append("ended")
        self._stream = Fed(0, write=bytearray().extend)
        self._client._sock = self._stream

    def read(self, data: bytes) -> None:
        self._stream.feed(data)
        while not self.ended and self._stream._at < len(data):
            self._client.loop_read()

    @property
    def ended(self) -> bool:
        return self._client._sock is None

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = NOBODYS_TOPIC
        self.seen.append((topic, bytes(message.payload), message.retain, message.qos, message.mid))


class Ours:
    """The frames, and paho for what they leave to it."""

    def __init__(self, *, v5: bool) -> None:
        self.paho = Paho(v5=v5)
        self.too_long = False
        self._frames = Frames(v5=v5, generation=3, clock=lambda: AT)

    def read(self, data: bytes) -> None:
        try:
            self._read(data)
        except Ended:
            self.too_long = True

    def _read(self, data: bytes) -> None:
        for found in self._frames.feed(data):
            if self.paho.ended:
                return
            if isinstance(found, bytes):
                self.paho.read(found)
            else:
                self.paho.seen += [_seen(delivery) for delivery in found]


def _seen(delivery: Delivery) -> Seen:
    assert (delivery.generation, delivery.received_at) == (3, AT)
    return delivery.topic, delivery.payload, delivery.retain, delivery.qos, delivery.mid


def packet(first: int, body: bytes) -> bytes:
    return bytes([first]) + frames._written(len(body)) + body


def properties_of(names: dict[str, object]) -> bytes:
    block = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    for name, value in names.items():
        setattr(block, name, value)
    return bytes(block.pack())  # type: ignore[no-untyped-call]


PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "PayloadFormatIndicator": st.sampled_from([0, 1]),
        "MessageExpiryInterval": st.integers(0, 2**32 - 1),
        "ContentType": st.text("abc/", max_size=40),
        "CorrelationData": st.binary(max_size=20),
        "SubscriptionIdentifier": st.integers(1, 1000),
        "UserProperty": st.tuples(st.text("åäö", max_size=9), st.text("xyz", max_size=60)),
    },
).map(properties_of)
TOPICS = st.text("abc/åä\N{PILE OF POO}", min_size=1, max_size=20).map(str.encode) | st.binary(
    min_size=1, max_size=9
)
SHORT = st.binary(max_size=150)


@st.composite
def publishes(draw: st.DrawFn, *, v5: bool) -> bytes:
    qos = draw(st.sampled_from([0, 1, 1, 1, 2]))
    topic = draw(TOPICS)
    first = 0x30 | draw(st.sampled_from([0, 8] if qos else [0])) | qos << 1 | draw(st.sampled_from([0, 1]))
    mid = draw(st.integers(1, 65_535)).to_bytes(2, "big") if qos else b""
    block = draw(st.just(b"\0") | PROPERTIES) if v5 else b""
    return packet(first, len(topic).to_bytes(2, "big") + topic + mid + block + draw(SHORT))


def others(*, v5: bool) -> st.SearchStrategy[bytes]:
    mid = st.integers(1, 65_535).map(lambda number: number.to_bytes(2, "big"))
    return st.one_of(
        st.just(PINGRESP),
        mid.map(lambda mid: packet(0x40, mid)),
        mid.map(lambda mid: packet(0x62, mid)),  # PUBREL: an answer to QoS 2
        mid.map(lambda mid: packet(0x90, mid + (b"\0" if v5 else b"") + b"\1")),
    )


# Beside these no PUBLISH: what is wrong in properties that nobody looks at is no trouble to us, and is to paho.
HOSTILE = st.one_of(
    st.lists(st.sampled_from([*range(0x30), *range(0x40, 0x100)]), min_size=1, max_size=30).map(bytes),
    st.binary(max_size=9).map(lambda body: packet(0x32, b"\1" + body)),
    st.sampled_from(
        [b"\x32" + b"\xff" * 5, b"\x30\x80\x80\x80\x80\x01", b"\x30\0", b"\x36\x04\0\1a\0", b"\xf0\0"]
    ),
)


@st.composite
def streams(draw: st.DrawFn) -> tuple[bool, bytes]:
    v5 = draw(st.booleans())
    packets = draw(st.lists(publishes(v5=v5) | publishes(v5=v5) | others(v5=v5), max_size=8))
    return v5, b"".join(packets)


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    at = [0, *accumulate(sizes)]
    return [piece for begin, end in pairwise([*at, len(data)]) if (piece := data[begin:end])]


def split(v5: bool, pieces: list[bytes]) -> list[Seen | bytes]:  # noqa: FBT001 - as the stream has it
    """What the frames find, run after run."""
    reader = Frames(v5=v5, generation=3, clock=lambda: AT)
    found: list[Seen | bytes] = []
    for piece in pieces:
        for each in reader.feed(piece):
            found += [each] if isinstance(each, bytes) else map(_seen, each)
    return found


@settings(deadline=None, max_examples=100)
@given(streams())
def test_stream_cut_anywhere_gives_what_paho_makes_of_it(stream: tuple[bool, bytes]) -> None:
    v5, data = stream
    theirs, ours = Paho(v5=v5), Ours(v5=v5)
    theirs.read(data)
    ours.read(data)
    assert ours.paho.seen == theirs.seen
    assert ours.paho.others == theirs.others
    whole = split(v5, [data])
    assert split(v5, cut(data, [1] * len(data))) == whole
    for at in range(1, len(data)):
        assert split(v5, [data[:at], data[at:]]) == whole


def test_properties_of_any_length_are_passed_over() -> None:
    for length in (0, 1, 100, 110, 130, 400):
        theirs, ours = Paho(v5=True), Ours(v5=True)
        block = properties_of({"ContentType": "x" * length})
        data = packet(0x32, b"\0\1a\0\7" + block + b"payload" * 100)
        theirs.read(data)
        ours.read(data)
        assert ours.paho.seen == theirs.seen == [("a", b"payload" * 100, False, 1, 7)]


@settings(deadline=None, max_examples=200)
@given(streams(), HOSTILE, st.lists(st.integers(1, 40), max_size=20))
def test_malformed_stream_ends_as_it_does_with_paho(
    stream: tuple[bool, bytes], garbage: bytes, sizes: list[int]
) -> None:
    v5, data = stream
    theirs, ours = Paho(v5=v5), Ours(v5=v5)
    theirs.read(data + garbage)
    for piece in cut(data + garbage, sizes):
        ours.read(piece)
    assume(not ours.too_long)  # paho would wait for it
    assert ours.paho.seen == theirs.seen
    assert ours.paho.others == theirs.others


def test_one_read_is_one_run_with_one_time() -> None:
    asked = []

    def clock() -> datetime:
        asked.append(AT)
        return AT.replace(microsecond=1999)

    message = packet(0x32, b"\0\1a\0\1\0x")
    [run] = Frames(v5=True, generation=1, clock=clock).feed(message * 50)
    assert len(run) == 50
    assert len(asked) == 1
    assert isinstance(run[0], Delivery)
    assert run[0].received_at.microsecond == 1000


def test_order_is_kept_around_other_packets() -> None:
    message = packet(0x30, b"\0\1a")
    found = Frames(v5=False, generation=1, clock=lambda: AT).feed(message + PINGRESP + message + message)
    assert [each if isinstance(each, bytes) else len(each) for each in found] == [1, PINGRESP, 2]


@pytest.mark.parametrize("v5", [True, False])
@pytest.mark.parametrize("piece", [1000, 64 * 1024, 10 * LARGEST])
def test_message_that_is_too_long_is_cut_and_what_follows_is_whole(*, v5: bool, piece: int) -> None:
    block = properties_of({"ContentType": "x" * 50}) if v5 else b""
    head = b"\0\1a" + b"\0\7" + block
    data = packet(0x33, head + b"y" * 3 * LARGEST) + packet(
        0x32, b"\0\1b\0\1" + (b"\0" if v5 else b"") + b"z"
    )
    reader = Frames(v5=v5, generation=3, clock=lambda: AT)
    got: list[Delivery] = []
    most = 0
    for at in range(0, len(data), piece):
        for found in reader.feed(data[at : at + piece]):
            assert isinstance(found, list)
            got += found
        most = max(most, len(reader._rest))
    assert [(each.topic, each.mid, each.retain) for each in got] == [("a", 7, True), ("b", 1, False)]
    assert got[0].payload == b"y" * (LARGEST - len(head))
    assert got[1].payload == b"z"
    assert most <= LARGEST + 5


def test_message_whose_properties_are_too_long_is_handed_over_all_the_same() -> None:
    length = 2 * LARGEST
    data = packet(0x32, b"\0\1a\0\7" + frames._written(length) + b"\x26" * length + b"y" * 10)
    [[got]] = Frames(v5=True, generation=3, clock=lambda: AT).feed(data)
    assert isinstance(got, Delivery)
    assert (got.topic, got.mid, got.payload) == ("a", 7, b"")


def test_other_packet_that_is_too_long_is_not_taken_in() -> None:
    reader = Frames(v5=True, generation=3, clock=lambda: AT)
    with pytest.raises(Ended) as caught:
        reader.feed(packet(0x90, bytes(LARGEST + 1))[:100])
    assert caught.value.trouble is Trouble.LOST


@pytest.mark.parametrize("v5", [True, False])
@pytest.mark.parametrize("payload", [b"", b"x", b"y" * 300, b"z" * 20_000])
def test_what_is_composed_is_read_by_paho(*, v5: bool, payload: bytes) -> None:
    reader = Paho(v5=v5)
    reader.read(frames.publish("a/å", payload, v5=v5))
    assert reader.seen == [("a/å", payload, False, 0, 0)]


@pytest.mark.parametrize("topic", ["", "a/+", "#", "x" * 65_536])
def test_impossible_topic_is_not_published_to(topic: str) -> None:
    with pytest.raises(ValueError, match="no topic"):
        frames.publish(topic, b"", v5=True)


def test_acknowledgements_of_a_batch_are_packets_in_a_row() -> None:
    batch = [Delivery("a", b"", False, 1, mid, 3, AT) for mid in (1, 258, 65_535)]  # noqa: FBT003 - its third field
    assert frames.pubacks(batch) == b"\x40\2\0\1" + b"\x40\2\1\2" + b"\x40\2\xff\xff"
    assert frames.pubacks([]) == b""
