"""`bypunkt simulate`: a steady stream, or villages that live, of registered, synthetic devices and no others."""

import resource
import shutil
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from config.cli import simulate
from config.failures import CommandFailed
from config.settings import load
from gateway.embedded import Mosquitto
from gateway.embedded.mosquitto import MosquittoOptions
from services.storage.database import Database, Role, Tenants
from services.tenants.devices import move
from services.tenants.importing import import_registry
from tests.config.cli.calling import bypunkt
from tests.support.installation import environment, outcome
from tests.support.villages import registry


async def _register(url: str) -> None:
    async with Database.open(url) as database:
        await import_registry(database, registry())


async def test_it_publishes_at_about_the_rate_asked_for_and_says_how_much(
    database_url: str, mosquitto: Mosquitto
) -> None:
    await _register(database_url)
    env = environment(database_url, mosquitto)
    code, out, err = await outcome("simulate", "--devices", "3", "--rate", "20", "--seconds", "2", env=env)
    assert code == 0, err
    assert "Traceback" not in err
    sent, acknowledged, *_ = (int(word) for word in out.split() if word.isdecimal())
    assert 3 < acknowledged <= sent < 60


async def test_only_synthetic_devices_that_may_speak_are_played(database_url: str, admin_url: str) -> None:
    await _register(database_url)
    admin = await asyncpg.connect(admin_url)
    try:
        await admin.execute("UPDATE bypunkt.device SET synthetic = false WHERE id = 'hs-lidhult-1'")
    finally:
        await admin.close()
    settings = load(database={"url": database_url})
    played = [(one.municipality, one.id) for one in await simulate._synthetic(settings, simulate._Chosen(2))]
    assert played == [("0583", "hs-fornasa-1"), ("0781", "hs-lidhult-2")]
    with pytest.raises(CommandFailed, match="only 2 synthetic devices are registered"):
        await simulate._synthetic(settings, simulate._Chosen(3))
    async with (
        Database.open(database_url) as database,
        database.transaction(Role.WEB, Tenants(("0583", "0781"))) as connection,
    ):
        await move(connection, "hs-fornasa-1", "suspended")
        await move(connection, "hs-lidhult-2", "retired")
    with pytest.raises(CommandFailed, match="only 0 synthetic devices are registered"):
        await simulate._synthetic(settings, simulate._Chosen(1))


async def test_villages_live_at_the_configured_broker_some_of_them_with_real_agents(
    database_url: str, mosquitto: Mosquitto
) -> None:
    await _register(database_url)
    env = environment(database_url, mosquitto)
    words = ["--devices", "3", "--speed", "300", "--agents", "1", "--seed", "7", "--seconds", "6"]
    code, out, err = await outcome("simulate", *words, env=env)
    assert code == 0, err
    taken, receipted, refused, _lost, waiting = (int(word) for word in out.split() if word.isdecimal())
    assert taken > 9  # three births, and a sign of life a second
    assert receipted == refused == 0  # nobody listens
    assert 0 < waiting < taken + 20


async def test_they_reach_a_broker_by_tls(database_url: str, open_directory: Path) -> None:
    await _register(database_url)
    here = Path(__file__).parents[2] / "gateway" / "mqtt"
    for name in ("localhost.crt", "localhost.key"):
        shutil.copy(here / name, open_directory)
        (open_directory / name).chmod(0o644)
    ca = open_directory / "localhost.crt"
    lines = (f"certfile {ca}", f"keyfile {open_directory / 'localhost.key'}")
    async with Mosquitto(open_directory / "broker", options=MosquittoOptions(lines=lines)) as broker:
        env = environment(database_url, broker, BYPUNKT_MQTT__HOST="localhost", BYPUNKT_MQTT__TLS_CA=str(ca))
        for words in ("--speed 300 --seconds 4", "--rate 20 --seconds 2"):
            code, out, err = await outcome("simulate", "--devices", "2", *words.split(), env=env)
            assert code == 0, err
            assert int(out.split()[0]) > 4


async def test_what_cannot_be_is_said_in_one_line(
    database_url: str, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    await _register(database_url)
    monkeypatch.setattr(simulate, "_REACHED_WITHIN_S", 1.5)

    async def complaint(**mqtt: object) -> str:
        with pytest.raises(CommandFailed) as failed:
            await simulate._reached(load(database={"url": database_url}, mqtt=mqtt))
        assert len(str(failed.value).splitlines()) == 1
        return str(failed.value)

    assert "BYPUNKT_MQTT__TLS_CA" in await complaint(tls_ca=tmp_path / "missing.crt")
    assert "BYPUNKT_MQTT__PASSWORD_FILE" in await complaint(password_file=tmp_path / "missing")
    nobody = await complaint(port=1)
    assert nobody.startswith("cannot use the broker at 127.0.0.1:1 (unreachable")
    broker = await simulate._reached(
        load(database={"url": database_url}, mqtt={"port": mosquitto.port, "username": "lane-{lane}"})
    )
    assert broker.username == "lane-simulate"
    code, out, err = await outcome(
        "simulate", "--devices", "200", "--speed", "60", env=environment(database_url, mosquitto)
    )
    assert (code, out) == (1, "")
    assert "only 3 synthetic devices are registered" in err


async def test_a_past_is_written_into_the_log_and_told_how_to_repeat(installed: str, admin_url: str) -> None:
    async with Database.open(installed) as database:
        await import_registry(database, registry(expected_interval_s=1_800))
    said = await bypunkt("simulate", "--history", "2", "--municipalities", "0781", "--seed", "3")
    assert (said.code, said.err) == (0, "")
    first, blind, again = said.out.splitlines()
    events, devices, new = (int(word) for word in first.replace(",", "").split() if word.isdecimal())
    assert (devices, new) == (2, events)
    assert (
        events > 2 * 2 * (48 + 24) - 50
    )  # two days and more of signs and reports, but for what was not seen
    assert blind.startswith("blind: 20")
    words = again.removeprefix("the same again: ").split()
    once_more = await bypunkt("simulate", *words, "--municipalities", "0781")
    assert once_more.out.splitlines() == [f"{events} events of 2 devices, 0 of them new", blind, again]
    admin = await asyncpg.connect(admin_url)
    try:
        told = await admin.fetch("SELECT municipality, count(*) FROM bypunkt.event GROUP BY 1")
        hours = await admin.fetchval("SELECT count(*) FROM bypunkt.usage_radio")
    finally:
        await admin.close()
    assert [tuple(row) for row in told] == [("0781", events)]
    assert hours > 2 * 40
    for reading in ("status", "usage"):
        assert "equal the log" in (await bypunkt("rebuild", reading, "--verify")).out


@pytest.mark.usefixtures("inhabited")
async def test_a_past_that_cannot_be_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = (await bypunkt("simulate", "--history", "761")).problem
    assert "the log keeps events for 760 days" in problem
    monkeypatch.setenv("BYPUNKT_RETENTION__STANDARD_DAYS", "2000")
    assert (
        "no clock counts as set before 2024-01-01" in (await bypunkt("simulate", "--history", "1500")).problem
    )
    problem = (await bypunkt("simulate", "--history", "3", "--municipalities", "0781,9999")).problem
    assert problem == "no municipality 9999 is registered: there are 0583, 0781"
    problem = (await bypunkt("simulate", "--history", "3", "--devices", "7")).problem
    assert "only 3 synthetic devices are registered" in problem


def test_a_past_is_so_many_days_or_from_one_day_until_a_moment() -> None:
    at = datetime(2026, 11, 23, 17, 31, 12, 345_678, tzinfo=UTC)
    assert simulate._span("400", at) == simulate._Span(400, datetime(2026, 11, 23, 17, 31, tzinfo=UTC))
    expected = simulate._Span(400, datetime(2026, 11, 22, 23, tzinfo=UTC))
    assert simulate._span("2025-10-19/2026-11-23", at) == expected
    for words in ("2025-10-19/2026-11-23T18:30", "2025-10-19/2026-11-23T17:30Z"):
        assert simulate._span(words, at) == simulate._Span(400, datetime(2026, 11, 23, 17, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    "words",
    [
        "--history 0",
        "--history -3",
        "--history soon",
        "--history 2025-10-19",
        "--history 2025-13-01/2026-01-01",
        "--history 2026-01-02/2026-01-02",
        "--history 2026-01-01/2099-01-01",
        "--history 5 --speed 60",
        "--history 5 --rate 5",
        "--history 5 --seconds 5",
        *("--rate 5 --speed 60", "--agents 2", "--speed 0.5", "--devices 0"),
    ],
)
async def test_a_call_that_makes_no_sense_is_a_wrong_call(words: str) -> None:
    assert (await bypunkt("simulate", *words.split())).code == 2


def test_room_is_made_for_as_many_files_as_the_system_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1_024, 4_096))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    simulate._make_room(1_000)
    simulate._make_room(4_000)
    assert asked == [(4_000, 4_096)]
    with pytest.raises(CommandFailed, match="4096"):
        simulate._make_room(5_000)
