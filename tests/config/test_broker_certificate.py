"""When the broker's certificate ends, asked of a real one, and what `bypunkt check` makes of it."""

import os
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config import checks, setup
from config.broker_certificate import certificate_ends
from config.certificates import BROKER_LASTS
from config.checks import Finding, Grade
from config.settings import Settings
from config.setup import Installation, Place, set_up
from gateway.options import MqttOptions
from services.runtime.clock import now
from tests.production import chain
from tests.production.chain import Broker
from tests.support.waiting import eventually

MADE = datetime(2026, 1, 1, tzinfo=UTC)
LATER = MADE + BROKER_LASTS - timedelta(days=30)


@pytest.fixture
def place(open_directory: Path, monkeypatch: pytest.MonkeyPatch) -> chain.Installation:
    """What a first run has made, open to the broker, who is another user here."""
    monkeypatch.setattr(setup, "_readers", lambda _place: {})
    return _set_up(chain.Installation(Place.MACHINE, open_directory), at=MADE)


@pytest.fixture
async def broker(place: chain.Installation) -> AsyncIterator[Broker]:
    async with Broker(place) as running:
        yield running


@pytest.fixture
def options(place: chain.Installation, broker: Broker) -> MqttOptions:
    return MqttOptions(host="127.0.0.1", port=broker.port, tls_ca=place.secrets / "devices/ca.crt")


async def test_end_is_that_of_the_certificate_which_the_broker_shows_also_after_a_renewal(
    place: chain.Installation, broker: Broker, options: MqttOptions
) -> None:
    assert await certificate_ends(options) == MADE + BROKER_LASTS
    _set_up(place, at=LATER)
    os.kill(broker.pid, signal.SIGHUP)

    async def renewed() -> bool:
        return await certificate_ends(options) == LATER + BROKER_LASTS

    await eventually(renewed, within=20)


async def test_without_tls_or_a_broker_there_is_nothing_to_say(options: MqttOptions, tmp_path: Path) -> None:
    assert await certificate_ends(options.model_copy(update={"tls_ca": None})) is None
    assert await certificate_ends(options.model_copy(update={"port": 1})) is None
    assert await certificate_ends(options.model_copy(update={"tls_ca": tmp_path / "nowhere"})) is None


@pytest.mark.parametrize(("days", "grade"), [(61, Grade.OK), (59, Grade.WARNING), (-1, Grade.WARNING)])
async def test_check_warns_sixty_days_before(
    days: int, grade: Grade, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = now() + timedelta(days=days, hours=1)

    async def ends(_options: MqttOptions) -> datetime:
        return until

    monkeypatch.setattr(checks, "certificate_ends", ends)
    found = [finding async for finding in checks._certificate(Settings())]
    assert [(finding.what, finding.grade) for finding in found] == [("certificate", grade)]
    assert f"{until:%Y-%m-%d}" in found[0].says
    assert isinstance(found[0], Finding)


def _set_up(place: chain.Installation, *, at: datetime) -> chain.Installation:
    set_up(Installation(directory=place.secrets, store=place.home / "store", host="punkt.test"), now=at)
    for path in (place.home / "store", *place.home.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o777)
    return place
