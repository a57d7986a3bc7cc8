"""`bypunkt maintenance`: planned work on municipalities, points and devices."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from config.app import open_database
from config.cli.base import AsJson, every_municipality, run, settings_for_command, show
from services.runtime.clock import now
from services.storage.database import Role, Tenants
from services.tenants import maintenance
from services.tenants.maintenance import Work

_FORMATS = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    planned = typer.Typer(help="Planned work: add, list, cancel.", no_args_is_help=True)
    app.add_typer(planned, name="maintenance")
    planned.command("add")(add)
    planned.command("list")(list_all)
    planned.command("cancel")(cancel)


def add(
    *,
    municipality: Annotated[
        str, typer.Option(help="Four-digit code; work on all of it unless you name more.")
    ],
    starts: Annotated[
        datetime, typer.Option("--from", formats=_FORMATS, help="Swedish time, as in '2026-12-01 08:00'.")
    ],
    ends: Annotated[
        datetime, typer.Option("--until", formats=_FORMATS, help="Swedish time, as in '2026-12-01 16:00'.")
    ],
    reason: Annotated[str, typer.Option(help="What is done, for everyone to read.")],
    point: Annotated[str | None, typer.Option(help="Work on this point and all that stands in it.")] = None,
    device: Annotated[str | None, typer.Option(help="Work on this device alone.")] = None,
    every: Annotated[
        str | None, typer.Option(help="Again and again, as in FREQ=WEEKLY;BYDAY=TU (docs/calendars.md).")
    ] = None,
) -> None:
    """Plan work: the time does not count against anyone's availability."""
    work = Work(
        municipality=municipality,
        starts=starts,
        ends=ends,
        reason=reason,
        rule=every,
        point=point,
        device=device,
    )
    print(f"maintenance {run(_add(work))} is planned on {_subject(work)}")


async def _add(work: Work) -> UUID:
    async with (
        open_database(settings_for_command()) as database,
        database.transaction(Role.WEB, Tenants((work.municipality,))) as connection,
    ):
        return await maintenance.plan(connection, work)


def list_all(as_json: AsJson = False) -> None:
    """List all work that was ever planned, the latest first."""
    show(run(_every()), as_json=as_json, empty="no maintenance is planned: bypunkt maintenance add")


async def _every() -> list[dict[str, object]]:
    async with every_municipality() as connection:
        return [
            {
                "id": work.id,
                "municipality": work.municipality,
                "on": _subject(work),
                "from": work.starts,
                "until": work.ends,
                "every": work.rule,
                "reason": work.reason,
                "created_at": work.created_at,
                "cancelled_at": work.cancelled_at,
            }
            for work in await maintenance.every(connection)
        ]


def cancel(
    work: Annotated[UUID, typer.Argument(help="Its id, as `bypunkt maintenance list` shows it.")],
) -> None:
    """Let planned work hold no longer than until now; what lies in the past stays."""
    planned = run(_cancel(work))
    print(f"maintenance {work} on {_subject(planned)} holds no longer")


async def _cancel(work: UUID) -> Work:
    async with every_municipality() as connection:
        return await maintenance.cancel(connection, work, now=now())


def _subject(work: Work) -> str:
    if work.device:
        return f"device {work.device}"
    return f"point {work.point}" if work.point else f"all of municipality {work.municipality}"
