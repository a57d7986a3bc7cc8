"""Golden samples, damaged by chance: each message gets its verdicts, and no address is kept (quality checks Q7, Q19).

The seed is in the test's name; another seed is another run of the same kind.
"""

import json
import random
import re
from dataclasses import asdict

import pytest

from services.ingest import stages
from services.ingest.models import Accepted
from tests.events.samples import TYPES, cloud_event, encoded, sample
from tests.ingest.parcels import Village, parcel

MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", re.IGNORECASE)
PIECES = [
    *(
        b"\0",
        b"\\u0000",
        b"\\ud800",
        b"NaN",
        b"1e999",
        b"1" * 4_301,
        b"[" * 2_000,
        b'"',
        b"{",
        b"}",
        b",",
        b"\xff",
    ),
    *(b"\xef\xbb\xbf", b"true", b"null", b"-1", b"aa:bb:cc:dd:ee:ff", b"\\u202e", b'"x":1,', b'"data":{},'),
    *(b"2026-06-03T08:15:60Z", b"1970-01-01T00:00:00Z", b"?a=b", b"192.168.1.77"),
]


def damaged(chance: random.Random, payload: bytes) -> bytes:
    text = bytearray(payload)
    for _ in range(chance.randint(0, 3)):
        place, other = chance.randrange(len(text) + 1), chance.randrange(len(text) + 1)
        match chance.randrange(4):
            case 0:
                text[place:place] = chance.choice(PIECES)
            case 1:
                del text[place : place + chance.randint(1, 8)]
            case 2:
                text[place : place + 1] = chance.randbytes(1)
            case _:
                text[place : place + 5] = text[other : other + 20]
    return bytes(text)


@pytest.mark.parametrize("seed", [1, 2])
def test_damaged_messages_get_their_verdicts(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(2_000):
        event_type = chance.choice(TYPES)
        payload = encoded(chance.choice([sample, cloud_event])(event_type))
        if chance.random() < 0.2:
            payload = b"[" + b",".join([payload] * chance.randint(1, 4)) + b"]"
        payload = damaged(chance, payload)
        verdicts = stages.judge(parcel(payload, event_type), Village())
        assert verdicts, payload
        for verdict in verdicts:
            kept = verdict._asdict() if isinstance(verdict, Accepted) else asdict(verdict)
            kept.pop("raw", None)
            text = json.dumps(kept, default=str, allow_nan=False, ensure_ascii=False)
            text.encode()
            assert MAC.search(text) is None, payload
            assert isinstance(verdict, Accepted) or verdict.reason, payload
