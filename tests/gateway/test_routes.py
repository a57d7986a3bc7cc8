"""A device's foreign topics reach its lane, also when they are registered while it is at work."""

import json
from datetime import datetime
from types import SimpleNamespace

import pytest

from gateway import codecs
from gateway.embedded import Mosquitto
from gateway.routes import Home, Routes
from services.events import Event
from services.events.device import DeviceHeartbeat
from services.ingest.models import KnownDevice
from services.tenants.importing import import_registry
from tests.support.gateways import at_work, dead, device, stored
from tests.support.villages import registry
from tests.support.waiting import eventually


def _filters(device: KnownDevice) -> tuple[str, ...]:
    return (f"maker/{device.topic_identity}/+/state",) if device.topic_identity else ()


def _decode(topic: str, payload: bytes, received_at: datetime, device: KnownDevice | None) -> list[Event]:
    assert topic.endswith("/state")
    assert device is not None
    del received_at
    return [DeviceHeartbeat(uptime_s=json.loads(payload)["up"])]


@pytest.fixture(autouse=True)
def maker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register a maker's codec."""
    codec = SimpleNamespace(MAY_BE_RETAINED=True, filters=_filters, decode=_decode)
    monkeypatch.setitem(codecs.CODECS, "maker", codec)


def _home(name: str, identity: str | None, codec: str = "maker") -> Home:
    return Home("0781", KnownDevice(name, "hotspot", "active", codec=codec, topic_identity=identity))


def test_a_topic_finds_its_device() -> None:
    routes = Routes(
        [_home("hs-1", "one"), _home("hs-2", "two"), _home("hs-3", None), _home("hs-4", "x", "none")]
    )
    assert routes.filters == ("maker/one/+/state", "maker/two/+/state")
    for topic, name in {"maker/one/tele/state": "hs-1", "maker/two/stat/state": "hs-2"}.items():
        home = routes.find(topic)
        assert home is not None
        assert home.device.id == name
    for topic in (
        "maker/one/state",
        "maker/three/tele/state",
        "maker/one/tele/state/more",
        "bypunkt/v1/0781/hs-1/x",
    ):
        assert routes.find(topic) is None


def test_the_more_exact_filter_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs.CODECS["maker"], "filters", lambda device: (device.topic_identity,))
    routes = Routes([_home("all", "a/#"), _home("some", "a/+/c"), _home("one", "a/b/c")])
    for topic, name in {"a/b/c": "one", "a/x/c": "some", "a/b/c/d": "all", "a": "all"}.items():
        home = routes.find(topic)
        assert home is not None
        assert home.device.id == name, topic


@pytest.mark.parametrize("wide", ["#", "+/one", "/one", "bypunkt/v1/0583/+/+", "a/#/b"])
def test_a_filter_that_reaches_for_others_is_left_out(wide: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs.CODECS["maker"], "filters", lambda _: (wide,))
    assert Routes([_home("hs-1", "one")]).filters == ()


async def test_a_foreign_topic_registered_later_is_taken_in_from_then_on(
    database_url: str, mosquitto: Mosquitto
) -> None:
    async with (
        at_work(database_url, mosquitto) as (database, _),
        device(mosquitto, "hs-lidhult-1") as box,
    ):
        plain = registry().model_dump()
        plain["devices"][0] |= {"codec": "maker", "topic_identity": "box-1"}
        await import_registry(database, type(registry()).model_validate(plain))

        async def heard() -> bool:
            await box.publish("maker/box-1/tele/state", b'{"up": 12}', qos=1)
            return bool(await stored(database))

        await eventually(heard)
        assert await dead(database) == []
