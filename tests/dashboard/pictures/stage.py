"""A whole installation on a Wednesday in November at 13:00 in Sweden: most of it works, some of it needs a hand.

Everything is made up and the same at each start, so that pictures and checks of pages can be compared. The villages
are those of the demo; `scene.py` says what has happened in them.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
from typing_extensions import override

from dashboard.app import serve, web_app
from dashboard.options import WebOptions
from dashboard.web.readiness import Readiness
from services.log.append import make_partitions
from services.storage.database import Database, Public, Role
from services.tenants.access import PersonRole
from services.tenants.importing import import_registry, read_registry
from tests.dashboard.pictures import reported, scene
from tests.dashboard.staffed import Staffed, employ
from tests.support.databases import name_in

DEMO = Path(__file__).parents[3] / "config" / "villages" / "demo.json"
NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
_FIRST_OF_ALL = """
INSERT INTO municipality (code, name, county, county_code, lane, seat_lat, seat_lon, languages)
VALUES ('0781', 'Ljungby', 'Kronoberg', '07', lane_for('0781'), 56.83, 13.94, '{sv,en}')
"""


@dataclass
class Stage(Staffed):
    """A running web face whose clock stands still at `NOW`, and where each role signs in once."""

    kept: dict[PersonRole, dict[str, str]] = field(default_factory=dict)

    @override
    async def cookies(self, role: PersonRole) -> dict[str, str]:
        if role not in self.kept:
            self.kept[role] = await super().cookies(role)
        return self.kept[role]

    @override
    def now(self) -> datetime:
        return NOW + self.skew

    async def see_no_more(self) -> None:
        """Let every lane have been blind for four minutes."""
        await self.run("DELETE FROM observation")
        await self.see(self.now() - timedelta(minutes=4))

    async def see_ahead(self) -> None:
        """Let every lane see for as long as the stage stands."""
        await self.run("DELETE FROM observation")
        await self.see(NOW + timedelta(hours=1))


async def _confirm_what_is_on_disk(admin_url: str) -> None:
    """Let this database say what one in production says; the server of tests is quick and unsafe."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(f'ALTER DATABASE "{name_in(admin_url)}" SET synchronous_commit = on')
    finally:
        await connection.close()


@asynccontextmanager
async def stage(database_url: str, admin_url: str, *, empty: bool = False) -> AsyncIterator[Stage]:
    """Serve the villages on a free port; `empty` is an installation that nobody has told of any device yet."""
    await _confirm_what_is_on_disk(admin_url)
    async with Database.open(database_url) as database:
        running: Stage

        async def readiness() -> Readiness:
            return Readiness(tuple(running.parts))

        app = web_app(
            database,
            # An address that is the same each time, for what is printed.
            options=WebOptions(port=0, public_url="http://byar.example"),
            clock=lambda: running.now(),  # noqa: PLW0108 - bound before it is asked
            readiness=readiness,
            desk=scene.QuietDesk(NOW),
        )
        running = Stage("", admin_url, database, app)
        async with database.transaction(Role.INGEST, Public()) as connection:
            await make_partitions(connection, now=NOW)
        if empty:
            await running.run(_FIRST_OF_ALL)
        else:
            await import_registry(database, read_registry(DEMO))
            await scene.play(running)
            await reported.write_reports(running)
        await employ(database)
        await running.see_ahead()
        async with serve(app, host="127.0.0.1", port=0) as url:
            running.url = url
            yield running
