"""`bypunkt run` and `bypunkt migrate`."""

import asyncio
import gc
from typing import Annotated

import typer

from config.app import NotConfigured, Part, bypunkt, secret_named
from config.cli.base import run, run_until_stopped, settings_for_command
from config.settings import Settings
from services.storage.migrate import migrate as bring_up_to_date

# What comes and goes with each batch is let go of by counting; looking for cycles among it, as often as Python
# does by itself, was a tenth of a busy gateway's time.
CYCLES_LOOKED_FOR = (50_000, 20, 100)


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("run")(serve)
    app.command()(migrate)


def serve(
    role: Annotated[
        list[Part] | None, typer.Option(help="What this process does; name several, or none for all.")
    ] = None,
) -> None:
    """Run the gateway, the worker and the web face, or the ones that are named, until stopped."""
    settings = settings_for_command(quiet=False)
    run_until_stopped(_serve(settings, tuple(role or Part)))


async def _serve(settings: Settings, parts: tuple[Part, ...]) -> None:
    gc.set_threshold(*CYCLES_LOOKED_FOR)
    async with bypunkt(settings, parts=parts):
        await asyncio.Event().wait()


def migrate() -> None:
    """Bring the database to this program's version."""
    settings = settings_for_command()
    url = secret_named("BYPUNKT_DATABASE__ADMIN_URL_FILE", settings.database.admin_address)
    if url is None:
        raise NotConfigured(
            "BYPUNKT_DATABASE__ADMIN_URL is not set: name a login that may create roles, postgresql://…"
        )
    options = settings.database
    password = secret_named("BYPUNKT_DATABASE__URL_FILE", options.app_password)
    applied = run(
        bring_up_to_date(url, app_login=options.app_login, app_password=password, lanes=options.lanes)
    )
    print(f"applied: {', '.join(applied)}" if applied else "nothing to do: the database is up to date")
