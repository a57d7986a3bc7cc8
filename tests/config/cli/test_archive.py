"""`bypunkt archive`, `log` and `import` of events, as an operator types them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from tests.config.cli.calling import bypunkt
from tests.support.villages import add, heartbeat, villages

MONTH = (datetime.now(UTC) - timedelta(days=100)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
NAME = f"standard-{MONTH:%Y-%m-%d}"


@pytest.fixture
async def aged(installed: str) -> str:
    """An installation with three events of a month that has ended."""
    async with villages(installed, at=MONTH + timedelta(days=20)) as database:
        await add(database, *(heartbeat(number, at=MONTH + timedelta(hours=number)) for number in range(3)))
    return installed


@pytest.mark.usefixtures("aged")
async def test_archived_let_go_of_and_taken_in_again(admin_url: str, tmp_path: Path) -> None:
    said = await bypunkt("archive", "--to", str(tmp_path), "--json")
    assert (said.code, [(one["set"], one["events"]) for one in json.loads(said.out)]) == (0, [(NAME, 3)])
    file = str(tmp_path / NAME / "0781.jsonl.xz")
    assert "3 events, 0 of them new" in (await bypunkt("import", file)).out
    admin = await asyncpg.connect(admin_url)
    await admin.execute(f"SELECT bypunkt.drop_event_partition('event_standard_{MONTH:%Ym%m}', 3, '{{}}')")
    await admin.close()
    said = await bypunkt("import", file)
    assert (said.code, said.err) == (0, "")
    assert "3 events, 3 of them new" in said.out
    assert "bypunkt rebuild usage" in said.out


@pytest.mark.usefixtures("aged")
async def test_only_what_ended_before_a_month(tmp_path: Path) -> None:
    assert (
        "the log has nothing that ended before"
        in (await bypunkt("archive", "--to", str(tmp_path), "--before", f"{MONTH:%Y-%m}")).out
    )
    after = (MONTH + timedelta(days=32)).strftime("%Y-%m")
    assert NAME in (await bypunkt("archive", "--to", str(tmp_path), "--before", after)).out


@pytest.mark.usefixtures("aged")
async def test_what_is_wrong_is_said_in_a_line(tmp_path: Path) -> None:
    assert (
        "a month is written"
        in (await bypunkt("archive", "--to", str(tmp_path), "--before", "2026-13")).problem
    )
    assert (
        "a month is written" in (await bypunkt("archive", "--to", str(tmp_path), "--before", "May")).problem
    )
    assert "is no directory" in (await bypunkt("archive", "--to", str(tmp_path / "missing"))).problem
    damaged = tmp_path / "damaged.jsonl.xz"
    damaged.write_bytes(b"damaged")
    assert "damaged" in (await bypunkt("import", str(damaged))).problem
    assert "cannot be read" in (await bypunkt("import", str(tmp_path / "missing.jsonl.xz"))).problem
    assert "--only" in (await bypunkt("import", str(damaged), "--only", "0781")).problem


@pytest.mark.usefixtures("aged")
async def test_the_parts_of_the_log_are_listed(tmp_path: Path) -> None:
    del tmp_path
    said = await bypunkt("log", "--json")
    parts = {one["part"]: one for one in json.loads(said.out)}
    part = parts[f"event_standard_{MONTH:%Ym%m}"]
    assert (part["class"], datetime.fromisoformat(part["from"])) == ("standard", MONTH)
    assert datetime.fromisoformat(part["goes"]) - datetime.fromisoformat(part["to"]) == timedelta(days=760)
    assert {one["goes"] for name, one in parts.items() if "long" in name} == {None}
    assert "event_standard" in (await bypunkt("log")).out
