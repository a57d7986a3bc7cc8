"""The spool off the event loop: commits are shared, and a disk that is full or broken is said to be and survived."""

import asyncio
import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.agent import opening
from gateway.agent.disk import TOGETHER, WAITING, Disk
from gateway.agent.entries import Entry, entry_of
from gateway.agent.failures import SpoolBroken, SpoolFull
from gateway.agent.opening import Damaged, Place
from gateway.agent.spool import Bounds
from services.events.kiosk import KioskView
from services.runtime.tasks import running
from tests.gateway.agent.agents import SetClocks
from tests.gateway.agent.test_spool import entry, opened
from tests.support.processes import ROOT
from tests.support.waiting import eventually


@asynccontextmanager
async def disk_at(path: Path, *, events: int = 100_000) -> AsyncIterator[Disk]:
    place = Place(path=path / "spool.sqlite", bounds=Bounds(events=events, bytes=10**8), machine="m1")
    async with Disk(place, clocks=SetClocks().clocks()) as disk, running({"write": disk.write}):
        yield disk


async def limit_pages(disk: Disk, more: int) -> None:
    def limit(spool: object) -> None:
        database: sqlite3.Connection = spool._db  # type: ignore[attr-defined]
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        database.execute(f"PRAGMA max_page_count = {pages + more}")

    await disk.run(limit)


async def test_many_at_once_share_their_commits(tmp_path: Path) -> None:
    async with disk_at(tmp_path) as disk:
        commits: list[int] = []
        spool = disk._spool
        assert spool is not None
        keep = spool.keep

        def counted(entries: Sequence[Entry], *, missed: int = 0) -> list[str | None]:
            commits.append(len(entries))
            return keep(entries, missed=missed)

        spool.keep = counted  # type: ignore[method-assign]
        async with asyncio.TaskGroup() as tasks:
            for number in range(WAITING + 500):
                tasks.create_task(disk.keep(entry(number=number)))
        assert await disk.run(lambda spool: spool.events) == sum(commits) == WAITING + 500
        assert len(commits) < 20
        assert max(commits) <= TOGETHER


async def test_a_full_disk_is_said_once_and_what_was_missed_is_a_gap(tmp_path: Path) -> None:
    async with disk_at(tmp_path) as disk:
        await disk.keep(entry())
        await limit_pages(disk, 0)
        with capture_logs() as lines:
            for _ in range(3):
                with pytest.raises(SpoolBroken, match="full"):
                    await disk.keep(entry(data=json.dumps({"n": "x" * 9_000})))
                disk.miss()
            assert disk.trouble is not None
            await limit_pages(disk, 1_000)
            kept = await disk.keep(entry())
        assert [line["event"] for line in lines] == ["spool_broken", "spool_works_again"]
        assert kept == f"{disk.boot}-5"
        assert (await disk.run(lambda spool: spool.present)).missed == 3


async def test_a_spool_that_breaks_while_it_is_used_is_set_aside(tmp_path: Path) -> None:
    async with disk_at(tmp_path) as disk:
        for number in range(200):
            await disk.keep(entry(number=number))
        await disk.run(lambda spool: spool._db.execute("PRAGMA wal_checkpoint(TRUNCATE)"))
        before = disk.boot
        with (tmp_path / "spool.sqlite").open("r+b") as file:
            file.seek(4_096)
            file.write(b"\xff" * 40_000)
        await disk.run(lambda spool: spool._db.execute("PRAGMA shrink_memory"))
        with pytest.raises(SpoolBroken):
            await disk.run(lambda spool: spool.next(10_000, under_way=[], settled_only=False))
        assert (await disk.keep(entry())).endswith("-1")
        assert disk.boot != before
        assert disk.set_aside == tmp_path / "spool.sqlite.damaged-1"


async def test_what_is_worth_too_little_for_a_full_spool_is_refused(tmp_path: Path) -> None:
    async with disk_at(tmp_path, events=1) as disk:
        await disk.keep(entry("device.status"))
        with pytest.raises(SpoolFull):
            await disk.keep(entry("kiosk.view"))


async def test_without_a_place_for_the_spool_it_goes_on_and_tries_again(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("in the way")
    async with disk_at(tmp_path / "folder") as disk:
        with pytest.raises(SpoolBroken):
            await disk.keep(entry())
        (tmp_path / "folder").unlink()
        assert (await disk.keep(entry())).endswith("-1")


async def test_a_card_that_spoils_even_a_new_file_is_a_trouble_and_no_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(_: object) -> None:
        raise Damaged("what was written is not what is read")

    with monkeypatch.context() as patch:
        patch.setattr(opening, "_check", spoilt)
        async with disk_at(tmp_path) as disk:
            async with asyncio.timeout(20):
                with pytest.raises(SpoolBroken, match="not what is read"):
                    await disk.keep(entry())
            patch.undo()
            assert (await disk.keep(entry())).endswith("-1")


async def test_a_spool_that_another_holds_for_a_moment_stops_nothing_once_the_agent_runs(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "folder"
    folder.write_text("in the way")
    async with disk_at(folder) as disk:
        folder.unlink()
        with opened(folder):
            async with asyncio.timeout(20):
                with pytest.raises(SpoolBroken, match="is in use"):
                    await disk.keep(entry())
        assert (await disk.keep(entry())).endswith("-1")


async def test_whoever_waits_when_the_agent_stops_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.agent.disk.TOGETHER", 1)
    monkeypatch.setattr("gateway.agent.disk.WAITING", 2)
    busy = threading.Event()

    async def left(disk: Disk, number: int) -> str:
        with pytest.raises(SpoolBroken) as told:
            await disk.keep(entry(number=number))
        return str(told.value)

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        async with disk_at(tmp_path) as disk:
            tasks.create_task(disk.run(lambda _: busy.wait(20)))
            await asyncio.sleep(0)
            # One is being written, one waits to be, one waits for its turn to wait.
            waiting = [tasks.create_task(left(disk, number)) for number in range(3)]
            await eventually(lambda: len(disk._waiting) == 1, within=20)
            busy.set()
        waiting.append(tasks.create_task(left(disk, 3)))
    assert [one.result() for one in waiting] == ["the agent has stopped"] * 4


async def test_an_event_that_has_to_wait_for_the_spool_to_be_opened_is_as_old_as_it_is(
    tmp_path: Path,
) -> None:
    age_ms = 40 * 24 * 3_600_000
    with opened(tmp_path / "folder", machine="m0") as spool:
        spool.live(age_ms, newest_ms=0, expire=(0, 0))
    (tmp_path / "folder").rename(tmp_path / "away")
    (tmp_path / "folder").write_text("in the way")
    async with disk_at(tmp_path / "folder") as disk:
        (tmp_path / "folder").unlink()
        (tmp_path / "away").rename(tmp_path / "folder")
        await disk.keep(entry_of(KioskView(page="start", lang="sv"), disk.now()))
        (row,) = await disk.run(lambda spool: spool.next(9, under_way=[], settled_only=False))
        assert abs(row.lived_ms - age_ms) < 60_000


FULL_DISK = """
import asyncio, json, resource, signal, sys
from pathlib import Path
from gateway.agent.entries import Entry
from gateway.agent.failures import SpoolBroken
from tests.gateway.agent.test_disk import disk_at
from tests.gateway.agent.test_spool import entry

async def main():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    kept, refused = [], 0
    async with disk_at(Path(sys.argv[1])) as disk:
        kept.append(await disk.keep(entry()))
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, most))
        for number in range(400):
            try:
                kept.append(await disk.keep(entry(number=number, data=json.dumps({"n": "x" * 900}))))
            except SpoolBroken:
                refused += 1
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        kept.append(await disk.keep(entry()))
    print(json.dumps({"kept": kept, "refused": refused}))

asyncio.run(main())
"""


def test_what_was_accepted_before_the_disk_was_full_is_there_afterwards(tmp_path: Path) -> None:
    """The kernel itself refuses to let the files grow, as a full disk does."""
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["refused"] > 100
    assert len(said["kept"]) > 50
    with opened(tmp_path) as spool:
        there = spool.next(10_000, under_way=[], settled_only=False)
    assert {row.id for row in there} == set(said["kept"])
