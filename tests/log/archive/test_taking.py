"""Archived, let go of, taken in again: the log is as it was, byte for byte; and nothing that is half is believed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from hypothesis import strategies as st

from services.ingest.models import Accepted
from services.log.archive import files
from services.log.archive.files import ArchiveSet, Writer
from services.log.archive.form import ArchiveRefused, Heading
from services.log.archive.keeping import keep, turn
from services.log.archive.taking import take_in
from services.log.models import Partition
from services.log.retention import log_size, queries
from services.runtime.clock import now
from services.storage.database import Database, Public, Role
from tests.support.villages import add, heartbeat, villages

# The first of a month that can be let go of.
MONTH = (datetime.now(UTC) - timedelta(days=100)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
ALL = "SELECT * FROM bypunkt.event ORDER BY municipality, device, at, id"
BUT_POSITION = (
    "SELECT municipality, device, id, type, retention, at, received_at, time, boot, conn, seq, data::text, lane"
    " FROM bypunkt.event ORDER BY municipality, device, at, id"
)
ODD = [
    {"note": 'räksmörgås \u2028 "\\" \U0001f6f0'}, {"n": 1.0, "big": 10**30, "small": 1e-9, "list": [None, True, {}]},
    {"": ""}, {"x": 12345678901234567890.5}, {"a": {"b": [1, [2, [3]]]}},
]  # fmt: skip


async def rows(admin_url: str, statement: str) -> list[tuple[object, ...]]:
    """Look at what is stored."""
    admin = await asyncpg.connect(admin_url)
    try:
        return [tuple(row) for row in await admin.fetch(statement)]
    finally:
        await admin.close()


def names(directory: Path) -> list[str]:
    """Return what lies in a directory."""
    return sorted(path.name for path in directory.iterdir())


async def part(database: Database) -> Partition:
    """Return the partition that the tests are about."""
    async with database.transaction(Role.WORKER, Public()) as connection:
        parts = await log_size(connection)
    return next(one for one in parts if one.retention == "standard" and one.starts_at == MONTH)


async def drop(database: Database, partition: Partition, expected: int) -> None:
    """Let the partition go."""
    async with database.transaction(Role.WORKER, Public()) as connection:
        await connection.execute(queries.drop_partition, partition.name, expected, [])


def odd_events() -> list[Accepted]:
    """Return events with everything that a log may hold."""
    texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
    drawn = [texts.example() for _ in range(30)]
    plain = [
        heartbeat(n, at=MONTH + timedelta(seconds=7 * n), data=data, id=f"b1-{n}")
        for n, data in enumerate(ODD)
    ]
    return plain + [
        heartbeat(
            n,
            at=MONTH + timedelta(hours=n, microseconds=n),
            received_at=MONTH + timedelta(hours=n + 3),
            time=None if n % 3 else MONTH - timedelta(days=10_000),
            id=text,
            boot=None if n % 2 else text,
            seq=None if n % 5 else 2**62,
            device=f"hs-lidhult-{1 + n % 2}",
            data={text: [text]},
        )
        for n, text in enumerate(drawn, start=1)
    ]


async def archived(database: Database, directory: Path) -> ArchiveSet:
    """Archive the month."""
    return await keep(database, await part(database), directory, now=now())


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
async def test_what_was_archived_and_let_go_of_comes_back_byte_for_byte(
    database_url: str, admin_url: str, tmp_path: Path
) -> None:
    async with villages(database_url, at=MONTH + timedelta(days=20)) as database:
        await add(database, *odd_events())
        await add(database, heartbeat(1, at=MONTH, municipality="0583", device="hs-fornasa-1"))
        before = await rows(admin_url, BUT_POSITION)
        kept = await archived(database, tmp_path)
        assert kept.counts == {"0781": len(before) - 1, "0583": 1}
        await drop(database, await part(database), len(before))
        assert await rows(admin_url, BUT_POSITION) == []
        for code in ("0781", "0583"):
            taken = await take_in(database, kept.path / f"{code}.jsonl.xz")
            assert (taken.events, taken.new) == (kept.counts[code], kept.counts[code])
        assert await rows(admin_url, BUT_POSITION) == before
        # Readers, who stand at 0 or later, do not meet it as something new.
        assert await rows(admin_url, "SELECT max(position) FROM bypunkt.event") == [(-1,)]
        everything = await rows(admin_url, ALL)
        assert (await take_in(database, kept.path / "0781.jsonl.xz")).new == 0
        assert await rows(admin_url, ALL) == everything


async def test_the_log_is_whole_again_from_where_all_that_follows_is_there(
    database_url: str, admin_url: str, tmp_path: Path
) -> None:
    horizons = (
        "SELECT municipality, kept_from FROM bypunkt.log_horizon WHERE retention = 'standard' ORDER BY 1"
    )
    async with villages(database_url, at=MONTH + timedelta(days=20)) as database:
        await add(database, heartbeat(1, at=MONTH))
        kept = await archived(database, tmp_path)
        gone = await part(database)
        await drop(database, gone, 1)
        assert await rows(admin_url, horizons) == [("0583", gone.ends_at), ("0781", gone.ends_at)]
        await take_in(database, kept.path / "0781.jsonl.xz")
        assert await rows(admin_url, horizons) == [("0583", gone.ends_at), ("0781", MONTH)]


async def test_an_equal_set_is_made_once_and_another_one_beside_it(database_url: str, tmp_path: Path) -> None:
    async with villages(database_url, at=MONTH + timedelta(days=20)) as database:
        assert (await archived(database, tmp_path)).events == 0
        assert names(tmp_path) == []
        await add(database, heartbeat(1, at=MONTH))
        first = await archived(database, tmp_path)
        assert await archived(database, tmp_path) == first
        await add(database, heartbeat(2, at=MONTH))
        assert (await archived(database, tmp_path)).path.name == f"{first.path.name}.2"
        assert names(tmp_path) == [first.path.name, f"{first.path.name}.2"]


async def test_a_run_that_breaks_off_leaves_nothing_with_a_name(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with villages(database_url, at=MONTH + timedelta(days=20)) as database:
        await add(database, heartbeat(1, at=MONTH))

        def broken(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(files, "publish", broken)
            with pytest.raises(ArchiveRefused, match="No space left"):
                await archived(database, tmp_path)
        assert not [name for name in names(tmp_path) if not name.startswith(".")]
        assert (await archived(database, tmp_path)).events == 1
        assert len(names(tmp_path)) == 1


async def test_a_damaged_file_changes_nothing(database_url: str, admin_url: str, tmp_path: Path) -> None:
    async with villages(database_url, at=MONTH + timedelta(days=20)) as database:
        await add(database, *(heartbeat(n, at=MONTH + timedelta(seconds=n)) for n in range(3000)))
        kept = await archived(database, tmp_path)
        await drop(database, await part(database), 3000)
        file = kept.path / "0781.jsonl.xz"
        file.write_bytes(file.read_bytes()[:-40])
        with pytest.raises(ArchiveRefused, match="damaged"):
            await take_in(database, file)
        assert await rows(admin_url, ALL) == []


async def test_an_import_needs_the_municipality_and_its_turn(database_url: str, tmp_path: Path) -> None:
    async with villages(database_url, at=MONTH + timedelta(days=20)) as database:
        await add(database, heartbeat(1, at=MONTH))
        kept = await archived(database, tmp_path)
        async with turn(database) as ours:
            assert ours
            with pytest.raises(ArchiveRefused, match="at this moment"):
                await take_in(database, kept.path / "0781.jsonl.xz")


async def test_an_archive_of_a_stranger_is_refused(database_url: str, tmp_path: Path) -> None:
    heading = Heading("9999", 0, "standard", MONTH, MONTH + timedelta(days=30))
    with Writer(tmp_path, heading) as writer:
        writer.finish()
    async with villages(database_url) as database:
        with pytest.raises(ArchiveRefused, match="9999, which is not registered"):
            await take_in(database, tmp_path / "9999.jsonl.xz")


@pytest.mark.parametrize(("retention", "days"), [("for ever", 30), ("standard", 0), ("standard", 400)])
async def test_what_no_partition_holds_is_refused(
    database_url: str, tmp_path: Path, retention: str, days: int
) -> None:
    with Writer(tmp_path, Heading("0781", 0, retention, MONTH, MONTH + timedelta(days=days))) as writer:
        writer.finish()
    async with villages(database_url) as database:
        with pytest.raises(ArchiveRefused, match="no partition"):
            await take_in(database, tmp_path / "0781.jsonl.xz")
