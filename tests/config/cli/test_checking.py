"""`bypunkt check`: what was found, as a table or as JSON, and an exit code for scripts."""

import json

import pytest

from config import checks
from config.checks import Finding, Grade
from config.cli import checking
from config.settings import Settings
from gateway.embedded import Mosquitto
from tests.config.cli.calling import bypunkt

FINE = Finding("disk", Grade.OK, "84 GB free here")
WARNED = Finding("clock", Grade.WARNING, "not known to be synchronised")
BROKEN = Finding("broker", Grade.FAILED, "127.0.0.1:1883: unreachable; is it running?")


def _find(monkeypatch: pytest.MonkeyPatch, *findings: Finding) -> None:
    async def examine(_settings: Settings) -> list[Finding]:
        return list(findings)

    monkeypatch.setattr(checking, "_examine", examine)


async def test_where_nothing_failed_it_ends_with_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    _find(monkeypatch, FINE, WARNED)
    said = await bypunkt("check", "--no-settings")
    assert (said.code, said.err) == (0, "")
    assert [line.split()[:2] for line in said.out.splitlines()[1:]] == [["disk", "ok"], ["clock", "warning"]]


async def test_a_failure_is_counted_and_ends_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    _find(monkeypatch, FINE, BROKEN)
    said = await bypunkt("check")
    assert said.problem == "1 of 2 checks failed"
    assert BROKEN.says in said.out


async def test_json_holds_every_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    _find(monkeypatch, FINE, BROKEN)
    said = await bypunkt("check", "--json", "--settings")
    assert said.code == 1
    assert json.loads(said.out) == [
        {"what": "disk", "grade": "ok", "says": FINE.says},
        {"what": "broker", "grade": "failed", "says": BROKEN.says},
    ]


async def test_the_effective_settings_are_shown_with_secrets_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    _find(monkeypatch, FINE)
    monkeypatch.setenv("BYPUNKT_DATABASE__URL", "postgresql://bypunkt_app:hunter2@db/bypunkt")
    monkeypatch.setenv("BYPUNKT_MQTT__PASSWORD", "hunter2")
    said = await bypunkt("check")
    assert "BYPUNKT_DATABASE__URL = •••" in said.out
    assert "BYPUNKT_MQTT__PORT = 1883" in said.out
    assert "hunter2" not in said.out + said.err


@pytest.mark.usefixtures("inhabited")
async def test_the_whole_way_on_a_database_that_is_not_safe(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "LEAST_FREE_BYTES", 0)
    monkeypatch.setenv("BYPUNKT_MQTT__PORT", str(mosquitto.port))
    said = await bypunkt("check", "--json")
    rows = json.loads(said.out)
    assert [row["says"].split(":")[0] for row in rows if row["grade"] == "failed"] == [
        f"PostgreSQL runs with {name} = off" for name in ("fsync", "full_page_writes", "synchronous_commit")
    ]
    assert said.problem == f"3 of {len(rows)} checks failed"
