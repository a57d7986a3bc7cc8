"""A spool that is damaged is set aside and said to be; it never keeps an agent from starting."""

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.agent.failures import AgentRefused
from gateway.agent.opening import SET_ASIDE_KEPT, Place, open_spool, set_aside
from gateway.agent.spool import Bounds
from tests.gateway.agent.test_spool import entry

BOUNDS = Bounds(events=10_000, bytes=10**7)


def place(folder: Path) -> Place:
    return Place(path=folder / "spool.sqlite", bounds=BOUNDS, machine="m1")


def fill(folder: Path) -> Path:
    spool, aside = open_spool(place(folder), power_ms=0)
    assert aside is None
    spool.keep([entry(number=number) for number in range(500)])
    spool._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    spool.close()
    return folder / "spool.sqlite"


def garbage(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(50_000))


def torn_head(path: Path) -> None:
    path.write_bytes(b"\0" * 100 + path.read_bytes()[100:])


def torn_middle(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:8_192] + random.Random(2).randbytes(8_192) + whole[16_384:])


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20_000])


@pytest.mark.parametrize("harm", [garbage, torn_head, torn_middle, cut_short])
def test_a_damaged_spool_is_set_aside_and_a_new_one_begun(
    harm: Callable[[Path], None], tmp_path: Path
) -> None:
    path = fill(tmp_path)
    harm(path)
    harmed = path.read_bytes()
    with capture_logs() as lines:
        spool, aside = open_spool(place(tmp_path), power_ms=0)
    assert aside is not None
    assert aside.read_bytes() == harmed
    assert [line["event"] for line in lines] == ["spool_set_aside"]
    assert spool.keep([entry()]) == [f"{spool.present.boot}-1"]
    spool.close()


def test_an_empty_file_is_a_new_spool(tmp_path: Path) -> None:
    place(tmp_path).path.touch()
    spool, aside = open_spool(place(tmp_path), power_ms=0)
    spool.close()
    assert aside is None


def test_a_torn_log_loses_at_most_what_was_not_committed(tmp_path: Path) -> None:
    """As after a power cut: the tail of the write-ahead log is nonsense."""
    spool, _ = open_spool(place(tmp_path), power_ms=0)
    for number in range(50):
        spool.keep([entry(number=number)])
    log = (tmp_path / "spool.sqlite-wal").read_bytes()
    main = (tmp_path / "spool.sqlite").read_bytes()
    spool.close()
    other = tmp_path / "after"
    other.mkdir()
    (other / "spool.sqlite").write_bytes(main)
    (other / "spool.sqlite-wal").write_bytes(log + random.Random(3).randbytes(5_000))
    found, aside = open_spool(place(other), power_ms=0)
    assert aside is None
    assert found.events == 50
    found.close()
    (other / "spool.sqlite").write_bytes(main)
    (other / "spool.sqlite-wal").write_bytes(log[: len(log) // 2])
    found, aside = open_spool(place(other), power_ms=0)
    assert aside is None
    assert 0 < found.events < 50
    found.close()


def test_a_second_agent_is_refused_in_one_line(tmp_path: Path) -> None:
    spool, _ = open_spool(place(tmp_path), power_ms=0)
    with pytest.raises(AgentRefused, match=r"is in use; does another agent run\?"):
        open_spool(place(tmp_path), power_ms=0)
    spool.close()


def test_the_spool_of_a_newer_agent_is_left_alone(tmp_path: Path) -> None:
    path = fill(tmp_path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(AgentRefused, match="newer agent"):
        open_spool(place(tmp_path), power_ms=0)
    assert [file.name for file in tmp_path.iterdir()] == ["spool.sqlite"]


def test_only_some_are_kept_aside(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    for number in range(1, 13):
        path.write_text(str(number))
        Path(f"{path}-wal").write_text(str(number))
        assert set_aside(path).name == f"spool.sqlite.damaged-{number}"
    kept = range(13 - SET_ASIDE_KEPT, 13)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(
        f"spool.sqlite.damaged-{number}{suffix}" for number in kept for suffix in ("", "-wal")
    )
