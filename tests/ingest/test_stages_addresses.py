"""No address of a machine or a person gets past the stages, in any spelling and in any field (quality check Q19)."""

import ipaddress
import json
import random
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.events import EVENT_TYPES
from services.events.reasons import Reason
from services.events.wire import CodecError
from services.ingest import addresses, stages
from services.ingest.models import Accepted, Refused
from tests.events.samples import TYPES, encoded, sample
from tests.ingest.parcels import Village, judged, parcel

SEED = 20_260_603


def spellings(seed: random.Random) -> list[str]:
    """One MAC, IPv4, IPv6, IMEI and query string of each usual spelling."""
    octets = [f"{seed.randrange(256):02x}" for _ in range(6)]
    octets[0] = (
        f"{seed.randrange(10, 16):x}{octets[0][1]}"  # with a letter, so that it is not a date and time
    )
    plain = "".join(octets)
    v4 = ipaddress.IPv4Address(seed.randrange(2**24, 2**32))
    v6 = ipaddress.IPv6Address(seed.getrandbits(128))
    short = ipaddress.IPv6Address((0xFE80 << 112) + seed.getrandbits(64))
    imei = f"35{seed.randrange(10**13):013d}"
    return [
        *(mark.join(octets) for mark in (*":-._ /–", ": ", "%3A", "%253a", "%2D", "%20")),
        f"{':'.join(octets[:3])}-{':'.join(octets[3:])}",
        f"{'-'.join(octets[:4])}.{'_'.join(octets[4:])}",
        "-".join([*octets[:3], "ff", "fe", *octets[3:]]),
        " ".join(f"0x{octet}" for octet in octets),
        ":".join(octet.lstrip("0") or "0" for octet in octets),
        *(mark.join((plain[:4], plain[4:8], plain[8:])) for mark in ".:-_ "),
        *(mark.join((plain[:6], plain[6:])) for mark in "-:. "),
        *(plain, f"0x{plain}", f"%20{plain}"),
        ":".join([*octets[:3], "ff", "fe", *octets[3:]]),
        str(v4),
        ".".join(f"{part:03d}" for part in v4.packed),
        *(str(v6), v6.exploded, str(short), f"{short}%wlan0", f"::ffff:{v4}", str(short).replace(":", "%3A")),
        *(imei, f"{imei[:2]}-{imei[2:8]}-{imei[8:14]}-{imei[14]}"),
        f"https://by.example/sida?mac={plain}&q=1",
    ]


def generated(count: int) -> list[str]:
    seed = random.Random(SEED)
    found: dict[str, None] = {}
    while len(found) < count:
        found |= dict.fromkeys(form for spelling in spellings(seed) for form in (spelling, spelling.upper()))
    return list(found)[:count]


ADDRESSES = generated(1_000)
SURROUNDINGS = [
    "{}",
    "from {} lost",
    "<{}>",
    "addr={}",
    "({}),",
    "[{}]:8080",
    "a {}/64",
    "«{}»",
    "_{}_",
    "länk:{};",
]


NO_DIGITS = str.maketrans(
    "", "", "".join(chr(code) for code in range(128) if chr(code) not in "0123456789abcdef")
)


def holds(kept: str, address: str) -> bool:
    """Whether a text holds an address in whatever spelling, that is, its digits in their order."""
    kept, part = kept.lower(), (address.partition("?")[2] or address).lower()
    digits = only_digits(part)
    return part in kept or (len(digits) >= 12 and digits in only_digits(kept))


def only_digits(text: str) -> str:
    """Return hexadecimal digits alone; those of %3A and 0x are none."""
    return re.sub(r"%(?:25)*[23][0-9a-f]|0x", "", text).translate(NO_DIGITS)


@pytest.mark.parametrize("around", SURROUNDINGS)
def test_every_spelling_is_removed_from_a_text(around: str) -> None:
    for address in ADDRESSES[SURROUNDINGS.index(around) % 3 :: 3]:
        scrubbed = addresses.scrub(around.format(address))
        assert addresses.REMOVED in scrubbed, address
        assert not holds(scrubbed, address), address
        assert addresses.scrub(scrubbed) == scrubbed, address


def strings(event_type: str) -> list[str]:
    fields = EVENT_TYPES[event_type].model_fields
    data = sample(event_type)["data"]
    return [name for name in fields if name not in {"type", "ip"} and isinstance(data[name], str)] + [
        "visitor"
    ]


FIELDS = [(event_type, name) for event_type in TYPES for name in strings(event_type)]


@pytest.mark.parametrize(("event_type", "name"), FIELDS, ids=str)
def test_no_address_is_kept_from_any_field(event_type: str, name: str) -> None:
    for address in ADDRESSES:
        said = sample(event_type)
        said["data"][name] = address
        assert not holds(kept(judged(parcel(encoded(said), event_type))), address), address


@pytest.mark.parametrize("name", ["id", "boot", "conn", "time", "source", "type", "subject", "x-mac"])
def test_no_address_is_kept_from_the_envelope(name: str) -> None:
    bare = re.compile(
        r"[0-9]{15}|(?:0x|%20)?[0-9a-f]{12}|[0-9a-f]{4}([-_ ])[0-9a-f]{4}\1[0-9a-f]{4}", re.IGNORECASE
    )
    halves = re.compile("[0-9a-f]{6}[-:. ][0-9a-f]{6}", re.IGNORECASE)
    for address in ADDRESSES:
        if name in {"id", "boot", "conn"} and (bare.fullmatch(address) or halves.fullmatch(address)):
            continue  # in an id, bare digits are an id; see test_bare_digits_in_an_id_are_an_id
        said = {
            **sample("kiosk.view"),
            "specversion": "1.0",
            "source": "/0781/hs-lidhult-1",
            "type": "kiosk.view",
        }
        said[name] = address
        assert not holds(kept(judged(parcel(encoded(said), "kiosk.view"))), address), address


def test_no_address_hides_behind_escapes_or_invisible_characters() -> None:
    hidden = [
        "aa\\u003abb\\u003acc\\u003add\\u003aee\\u003aff",
        "aa:bb:\\u200bcc:dd:ee:ff",
        "aa:bb:\u202ecc:dd:ee:ff",
        "192.168\\u00ad.1.77",
    ]
    for spelling in hidden:
        for event_type in ("device.status", "device.moods"):
            payload = f'{{"data":{{"state":"online","reason":"{spelling}"}}}}'.encode()
            text = kept(judged(parcel(payload, event_type)))
            assert "aa:bb:cc:dd:ee:ff" not in text
            assert "192.168.1.77" not in text
            assert addresses.REMOVED in text


MAC = "aa:bb:cc:dd:ee:ff"


@pytest.mark.parametrize("before", range(180, 202))
def test_no_part_of_an_address_is_left_where_a_detail_is_cut(before: int) -> None:
    detail = "x" * (before - 1) + " " + MAC
    unknown_field = encoded({"data": {"uptime_s": 1}, detail: 1})
    foreign = CodecError("no_such_thing", detail).flaw(b"")
    of_a_codec = stages.judge(parcel(b"{}"), Village(), read=lambda _: [foreign])
    for verdict in (
        judged(parcel(unknown_field)),
        judged(parcel(encoded({"data": {"uptime_s": 1, detail: 1}}))),
        *of_a_codec,
        stages.refuse(parcel(b"{}"), Reason.BAD_TOPIC, detail * 2),
        stages.refuse(parcel(b"{}", detail), Reason.BAD_TOPIC, ""),
    ):
        assert isinstance(verdict, Refused)
        assert len(verdict.detail) <= 200
        assert len(verdict.topic) <= 200
        assert "aa:" not in kept(verdict)


def test_scrubbing_takes_time_in_proportion_to_the_text() -> None:
    units = [
        "a",
        "1:",
        "aaaa ",
        "aa-bb-",
        "12-34.56_",
        "12 ",
        "%3A",
        "%25",
        "0x12-",
        "?",
        "::",
        "1.",
        "1111-",
    ]
    began = time.process_time()
    for unit in units:
        addresses.scrub(unit * (100_000 // len(unit)))
    assert time.process_time() - began < 10  # a second where it was written


def test_no_address_is_kept_from_topic_device_keys_and_numbers() -> None:
    said = encoded(
        {
            "data": {"aa:bb:cc:dd:ee:ff": 1, "imei": 352099001761481, "down_bytes": 352099001761482},
            "x 192.168.1.77": 1,
        }
    )
    refusal = judged(parcel(said, "aa-bb-cc-dd-ee-01", device="aabbccddee02"))
    assert isinstance(refusal, Refused)
    assert refusal.device is None
    assert refusal.topic == "bypunkt/v1/0781/[removed]/[removed]"
    assert (
        refusal.payload
        == '{"data":{"[removed]":1,"imei":"[removed]","down_bytes":352099001761482},"x [removed]":1}'
    )


@pytest.mark.parametrize(
    "text",
    [
        *("23.05.2", "OpenWrt 23.05.2 r23630-842932a63d", "RUTX_R_00.07.06.10", "v1.2.3-rc4", "20260603"),
        *("202606030815", "2026-06-03T08:15:00.000Z", "2026-06-03-08-15-00", "08:15:00", "Ljungby Fritt 2.4"),
        *("2026-09-16T12:00:00Z", "2026-09-16 12:00:00.25", "2026-09-16_12:00:00.25", "260916-120000"),
        *("Sep 16 12:00:00 23.05.2", "2026-09-16T12%3A00%3A00Z", "2024 2025 2026 and on", "100000 120000"),
        *("0372-12 34 56", "10:00-12:00", "std%3A%3Avector", "RUTX_R_00.07.06.10-23.05"),
        *("550e8400-e29b-41d4-a716-446655440000", "018f4e9c-7b1a-7c3d-9e2f-aabbccddeeff", "b94d27b9934d3e08"),
        *("std::vector", "no route to host", "really? yes", "5 GHz: 7", "a1b2c3d4", "1e6", "256.1.1", "é::"),
    ],
)
def test_versions_dates_and_random_ids_stay(text: str) -> None:
    assert addresses.scrub(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *("1.2.3.4", "550e8400-e29b-11d4-a716-446655440000"),
        *("12 34 56 78 90 12", "12:34:56-78:90:12", "1234-5678-9012"),
    ],
)
def test_where_a_text_is_ambiguous_privacy_comes_first(text: str) -> None:
    assert addresses.REMOVED in addresses.scrub(text)


@pytest.mark.parametrize("name", ["id", "boot", "conn"])
@pytest.mark.parametrize(
    "token",
    [
        *("a1b2c3d4e5f6", "171740000012345", "550e8400-e29b-41d4-a716-446655440000"),
        *(
            "a1b2c3-d4e5f6",
            "a1b2-c3d4-e5f6",
            "26 09 16 12 00 00",
            "26-09-16:12:00:00",
            "2026-09-16T12:00:00Z",
        ),
    ],
)
def test_bare_digits_in_an_id_are_an_id(name: str, token: str) -> None:
    said: dict[str, Any] = {name: token, "data": {"uptime_s": 1}}
    event = judged(parcel(encoded(said)))
    assert isinstance(event, Accepted)
    assert getattr(event, name) == token
    letter = judged(parcel(encoded(said), device="hs-nowhere-1"))
    assert isinstance(letter, Refused)
    assert json.loads(letter.payload or "") == said


def kept(verdict: Accepted | Refused) -> str:
    """What is stored or logged of a verdict, as text; `raw` goes no further than a keyed hash and is not shown."""
    text = repr(verdict)
    assert "raw=" not in text
    return text


@given(st.text(alphabet="0123456789abfFxXgZ-.:_ %?åé²", max_size=24))
def test_what_is_passed_over_at_a_glance_holds_no_address(text: str) -> None:
    assert addresses.in_id(text) == (addresses._IN_IDS.search(text) is not None)
    assert addresses.scrub(text) == addresses._IN_TEXT.sub(lambda m: m["uuid"] or addresses.REMOVED, text)
