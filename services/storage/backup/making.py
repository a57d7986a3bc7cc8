"""Make a backup: dump and count in one snapshot, read it back, and only then give it its name."""

import asyncio
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import asyncpg

from services.runtime.clock import Clock, now
from services.storage.backup import programs
from services.storage.backup.archive import Archive, Draft, drafted
from services.storage.backup.content import Admin, administering, content_of, is_prepared, queries
from services.storage.backup.errors import BackupError
from services.storage.backup.manifest import Content, Manifest
from services.storage.backup.restoring import check_contents, try_out

_LOCK_WAIT = "30s"


async def back_up(
    admin_url: str,
    target: Path,
    *,
    app_login: str,
    trial: bool = False,
    on_progress: Callable[[int], None] = lambda _: None,
    clock: Clock = now,
) -> Archive:
    """Write a backup to `target`, verify it, and return it; raises `BackupError`, and then nothing is left.

    The program may run meanwhile. `trial` restores it into a scratch database of the same server as well.
    `on_progress` is told the bytes of each piece written.
    """
    with drafted(target) as draft:
        async with administering(admin_url) as connection:
            if not await is_prepared(connection):
                raise BackupError(
                    "there is no bypunkt in this database: is BYPUNKT_DATABASE__ADMIN_URL right?"
                )
            server = connection.get_server_version().major
            dump = programs.find("pg_dump", at_least=server)
            content = await _dump_and_count(connection, draft, dump, url=admin_url, on_progress=on_progress)
        manifest = Manifest(
            program=version("bypunkt"),
            made_at=clock(),
            server_major=server,
            dumped_by_major=dump.major,
            content=content,
            dump_bytes=draft.bytes,
            dump_sha256=draft.sha256,
        )
        await asyncio.to_thread(draft.seal, manifest)
        written = Archive.open(draft.path)
        await asyncio.to_thread(written.check)
        await check_contents(written)
        if trial:
            await try_out(admin_url, written, app_login=app_login)
        draft.publish()
    return Archive(target, manifest, written.starts_at)


async def _dump_and_count(
    connection: Admin,
    draft: Draft,
    dump: programs.Program,
    *,
    url: str,
    on_progress: Callable[[int], None],
) -> Content:
    def take(piece: bytes) -> None:
        draft.take(piece)
        on_progress(len(piece))

    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            snapshot = await connection.fetchval(queries.share_snapshot)
            arguments = [
                "--format=custom",
                "--schema=bypunkt",
                "--role=bypunkt_owner",
                "--no-password",
                f"--snapshot={snapshot}",
                f"--lock-wait-timeout={_LOCK_WAIT}",
            ]
            async with asyncio.TaskGroup() as both:
                both.create_task(programs.run(dump, arguments, url=url, take=take), name="pg_dump")
                counting = both.create_task(content_of(connection), name="count")
    except ExceptionGroup as several:
        raise _cause(several) from None
    return counting.result()


def _cause(several: ExceptionGroup[Exception]) -> Exception:
    """Of what went wrong at the same time, the one that says why."""
    ours = [error for error in several.exceptions if not isinstance(error, asyncpg.InterfaceError)]
    return (ours or list(several.exceptions))[0]
