"""Sources on a made-up /proc and /sys: what is there is reported, what is not is left out, and no address gets out."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.agent.options import KioskOptions, UplinkOptions, VitalsOptions, WifiOptions
from gateway.agent.sources import files, sources_of
from gateway.agent.sources.kiosk import kiosk_health
from gateway.agent.sources.model import Source
from gateway.agent.sources.uplink import uplink
from gateway.agent.sources.vitals import disk_used_pct, heartbeat, memory_used_pct
from gateway.agent.sources.wifi import Interface, ask, count_stations
from services.events import canonical
from services.events.fields import Fact
from tests.gateway.agent.agents import options

# Shaped like the output of iw 5.19; synthetic.
STATIONS = b"""\
Station aa:bb:cc:dd:ee:01 (on wlan0)
\tinactive time:\t304 ms
\trx bytes:\t18816
\ttx bytes:\t6816
\tsignal:  \t-40 dBm
Station aa:bb:cc:dd:ee:02 (on wlan0)
\tinactive time:\t1004 ms
\tauthorized:\tyes
"""
INFO = b"""\
Interface wlan0
\tifindex 3
\twdev 0x1
\taddr 02:00:00:00:00:00
\tssid Ljungby Fritt
\ttype AP
\twiphy 0
\tchannel 36 (5180 MHz), width: 80 MHz, center1: 5210 MHz
"""


def put(root: Path, **said: str) -> None:
    """Write files of a made-up machine; `__` stands for a slash."""
    for name, text in said.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def data(facts: Sequence[Fact]) -> dict[str, Any]:
    (fact,) = facts
    return canonical(fact)


async def nothing() -> dict[str, Any]:
    return {}


def answering(
    stations: bytes | None, info: bytes | None = INFO
) -> Callable[[Sequence[str]], Awaitable[bytes | None]]:
    async def ask_iw(arguments: Sequence[str]) -> bytes | None:
        assert arguments[:3] == ("iw", "dev", "wlan0")
        return stations if arguments[3:] == ("station", "dump") else info

    return ask_iw


async def test_a_heartbeat_says_what_can_be_measured(tmp_path: Path) -> None:
    put(
        tmp_path,
        proc__uptime="86461.42 170000.10",
        proc__loadavg="0.08 0.03 0.01 1/123 4567",
        proc__meminfo="MemTotal:        1000 kB\nMemFree: 100 kB\nMemAvailable:     585 kB\n",
        sys__class__thermal__thermal_zone0__temp="48200",
    )
    vitals = VitalsOptions(disk=tmp_path, thermal_zone="thermal_zone0")
    said = data(await heartbeat(vitals, nothing, root=tmp_path)())
    assert 0 <= said.pop("disk_used_pct") <= 100
    assert said == {"uptime_s": 86461, "load1": 0.08, "mem_used_pct": 41.5, "temp_c": 48.2}


async def test_what_is_missing_is_left_out_and_never_0(tmp_path: Path) -> None:
    put(
        tmp_path,
        proc__uptime="7.5 1",
        proc__meminfo="MemTotal: 0 kB\nMemAvailable: 0 kB",
        sys__class__thermal__zone__temp="-274000",
    )
    vitals = VitalsOptions(disk=tmp_path / "nowhere", thermal_zone="zone")
    assert data(await heartbeat(vitals, nothing, root=tmp_path)()) == {"uptime_s": 7}
    assert await heartbeat(vitals, nothing, root=tmp_path / "nowhere")() == []


def test_small_files() -> None:
    root = Path(__file__).parent
    assert [files.text(root / "nowhere"), files.number(root), files.count(root)] == [None] * 3
    assert memory_used_pct("nonsense\nMemTotal:\n") is None
    assert disk_used_pct(root) is not None


def test_a_number_that_is_none_is_none(tmp_path: Path) -> None:
    put(tmp_path, empty="", word="up", minus="-1", long="7" * 25)
    assert files.number(tmp_path / "empty") is files.number(tmp_path / "word") is None
    assert files.count(tmp_path / "minus") is None
    assert files.count(tmp_path / "long") == int("7" * 25)


async def test_the_uplink_is_a_connection_that_comes_about() -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        said = await uplink(UplinkOptions(host="127.0.0.1", port=port))()
        assert said["uplink_ok"] is True
        assert 0 <= said["rtt_ms"] < 5_000
    assert await uplink(UplinkOptions(host="127.0.0.1", port=port))() == {"uplink_ok": False}
    assert await uplink(UplinkOptions(host="www..example"))() == {"uplink_ok": False}
    assert await uplink(None)() == {}


async def test_usage_is_counted_as_the_visitor_sees_it(tmp_path: Path) -> None:
    put(
        tmp_path,
        sys__class__net__wlan0__statistics__tx_bytes="734003200\n",
        sys__class__net__wlan0__statistics__rx_bytes="88080384\n",
    )
    found = Interface(WifiOptions(iface="wlan0"), every_s=300, root=tmp_path, ask=answering(STATIONS))
    assert data(await found.usage()) == {
        "iface": "wlan0",
        "ssid": "Ljungby Fritt",
        "band": "5",
        "clients": 2,
        "clients_max": 2,
        "down_bytes_total": 734003200,
        "up_bytes_total": 88080384,
        "interval_s": 300,
    }


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (rb"\xc3\x85snen Fritt", "Åsnen Fritt"),
        ("Åsnen Fritt".encode(), "Åsnen Fritt"),
        (rb"\xc3\xa5" * 16, "å" * 16),
        (rb"C:\x5cWifi\x20", "C:\\Wifi"),
        (rb"\xff\xfeBy", "By"),
        (rb"\x00\x00\x00", None),  # hidden
    ],
)
async def test_the_name_of_a_network_is_what_people_read(
    said: bytes, name: str | None, tmp_path: Path
) -> None:
    info = INFO.replace(b"Ljungby Fritt", said)
    interface = Interface(WifiOptions(iface="wlan0"), every_s=60, root=tmp_path, ask=answering(b"", info))
    assert data(await interface.usage()).get("ssid") == name


async def test_the_most_at_once_is_since_the_last_report(tmp_path: Path) -> None:
    crowd = STATIONS * 3
    interface = Interface(
        WifiOptions(iface="wlan0", ssid="By", band="2.4"), every_s=60, root=tmp_path, ask=answering(crowd)
    )
    assert await interface.sample() == []
    interface._ask = answering(b"")
    assert data(await interface.usage()) == {
        "iface": "wlan0", "ssid": "By", "band": "2.4", "clients": 0, "clients_max": 6, "interval_s": 60,
    }  # fmt: skip
    assert data(await interface.usage())["clients_max"] == 0


async def test_clients_that_cannot_be_counted_are_not_0(tmp_path: Path) -> None:
    interface = Interface(WifiOptions(iface="wlan0"), every_s=60, root=tmp_path, ask=answering(None))
    assert await interface.sample() == []
    assert await interface.usage() == []


@pytest.mark.parametrize(
    ("mhz", "band"), [(2412, "2.4"), (5180, "5"), (5955, "6"), (58_320, "60"), (900, None)]
)
async def test_bands(mhz: int, band: str | None, tmp_path: Path) -> None:
    info = f"\tchannel 1 ({mhz} MHz), width".encode()
    interface = Interface(WifiOptions(iface="wlan0"), every_s=60, root=tmp_path, ask=answering(b"", info))
    assert data(await interface.usage()).get("band") == band


async def test_no_address_leaves_the_counting(tmp_path: Path) -> None:
    with capture_logs() as lines:
        interface = Interface(WifiOptions(iface="wlan0"), every_s=60, root=tmp_path, ask=answering(STATIONS))
        told = [canonical(fact) for fact in await interface.usage()]
        await Interface(WifiOptions(iface="wlan0"), every_s=60, root=tmp_path, ask=answering(None)).usage()
    assert count_stations(STATIONS.splitlines()) == 2
    assert count_stations([]) == 0
    assert "aa:bb" not in json.dumps(told) + json.dumps(lines) + repr(vars(interface))


async def test_a_program_is_asked_and_its_silence_is_no_answer() -> None:
    assert await ask(("/bin/echo", "hello")) == b"hello\n"
    assert await ask(("/bin/false",)) is None
    assert await ask(("/no/such/iw",)) is None


async def test_the_health_of_a_kiosk(tmp_path: Path) -> None:
    put(
        tmp_path,
        sys__class__backlight__rpi__bl_power="0\n",
        sys__class__power_supply__ac__type="Mains",
        sys__class__power_supply__ac__online="1",
        sys__class__power_supply__bat__type="Battery",
        sys__class__power_supply__bat__capacity="87",
        version="2026-11-23.1\n",
    )
    told = KioskOptions(backlight="rpi", storage=tmp_path, content_version_file=tmp_path / "version")
    said = data(await kiosk_health(told, root=tmp_path)())
    assert said.pop("storage_free_bytes") > 0
    assert said == {
        "screen_on": True, "content_version": "2026-11-23.1", "batt_pct": 87.0, "power": "mains",
    }  # fmt: skip
    put(
        tmp_path,
        sys__class__backlight__rpi__bl_power="4",
        sys__class__power_supply__ac__online="0",
        version="x" * 99,
    )
    said = data(await kiosk_health(told, root=tmp_path)())
    assert (said["screen_on"], said["power"]) == (False, "battery")
    assert "content_version" not in said


@pytest.mark.parametrize(
    ("supplies", "expected"),
    [
        ({"usb__type": "USB", "usb__online": "0"}, {}),  # nothing is plugged in, and there is no battery
        ({"usb__type": "USB", "usb__online": "2"}, {"power": "mains"}),  # a negotiated voltage
        ({"bat__type": "Battery", "ac__type": "Mains"}, {}),  # neither can be read
        (
            {"bat__type": "Battery", "bat__capacity": "80", "ac__type": "Mains", "ac__online": "0"},
            {"batt_pct": 80.0, "power": "battery"},
        ),
        (
            {"hid__type": "Battery", "hid__scope": "Device", "hid__capacity": "3"}
            | {"ac__type": "Mains", "ac__online": "1", "ac__scope": "System"},
            {"power": "mains"},
        ),
    ],
)
async def test_power_is_the_machines_own_and_not_guessed(
    supplies: dict[str, str], expected: dict[str, object], tmp_path: Path
) -> None:
    put(tmp_path, **{f"sys__class__power_supply__{name}": said for name, said in supplies.items()})
    facts = await kiosk_health(KioskOptions(), root=tmp_path)()
    assert [canonical(fact) for fact in facts] == ([expected] if expected else [])


async def test_a_kiosk_that_can_measure_nothing_says_nothing(tmp_path: Path) -> None:
    told = KioskOptions(backlight="none", storage=tmp_path / "nowhere", content_version_file=tmp_path / "no")
    assert await kiosk_health(told, root=tmp_path)() == []


def test_a_device_has_the_sources_that_it_is_told_of(tmp_path: Path) -> None:
    def names(**told: object) -> list[str]:
        return [source.name for source in sources_of(options(tmp_path, **told))]

    assert names() == ["heartbeat"]
    assert names(wifi=[{"iface": "wlan0"}, {"iface": "wlan1"}], kiosk={}) == [
        "heartbeat", "usage wlan0", "clients wlan0", "usage wlan1", "clients wlan1", "health",
    ]  # fmt: skip


async def test_a_source_tells_unless_it_only_looks() -> None:
    async def read() -> Sequence[Fact]:
        return []

    source = Source("look", 5, read)
    assert (source.told, source.usage, await source.read()) == (True, False, [])
