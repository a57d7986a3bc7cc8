"""The web face on a fresh database with the demo villages in it, and states as a reading would leave them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
from aiohttp import ClientSession, web

from dashboard.app import serve, web_app
from dashboard.options import WebOptions
from dashboard.points import POINTS
from dashboard.web import keys
from dashboard.web.readiness import Readiness
from services.storage.database import Database
from services.tenants.importing import import_registry, read_registry
from services.tenants.public import Villages

DEMO = Path(__file__).parents[3] / "config" / "villages" / "demo.json"
# A Wednesday in winter, 13:00 in Sweden: shops are open, clocks are an hour ahead of UTC.
NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)


@dataclass
class Site:
    """A running web face; `now` may be moved, and `set_state` does what the status reading would."""

    url: str
    admin_url: str
    app: web.Application
    http: ClientSession
    now: datetime = NOW

    async def set_state(
        self, device: str, state: str, *, reason: str = "heard", since: datetime | None = None
    ) -> None:
        """Put a device into a state and tell those who listen."""
        connection = await asyncpg.connect(self.admin_url)
        try:
            await connection.execute(
                _SET_STATE, device, state, reason, since or self.now - timedelta(hours=2), self.now
            )
        finally:
            await connection.close()

    def take_database_away(self) -> None:
        """Let what reads the public picture find nobody who answers."""

        async def refused() -> Villages:
            raise ConnectionRefusedError

        self.app[POINTS]._read = refused

    async def run(self, sql: str, *values: object) -> None:
        """Change the registry behind the program's back."""
        connection = await asyncpg.connect(self.admin_url)
        try:
            await connection.execute("SET search_path = bypunkt")
            await connection.execute(sql, *values)
        finally:
            await connection.close()
        self.app[keys.HUB].public.wake()


_SET_STATE = """
WITH put AS (
    INSERT INTO bypunkt.device_status AS s (municipality, device, lane, state, reason, since, last_sign_at,
        last_event_at, expected_interval_s, offline_after_s, revision)
    SELECT d.municipality, d.id, m.lane, $2, $3, $4, $5, $5, d.expected_interval_s, d.offline_after_s, 1
    FROM bypunkt.device AS d JOIN bypunkt.municipality AS m ON m.code = d.municipality
    WHERE d.id = $1
    ON CONFLICT (municipality, device) DO UPDATE
    SET state = excluded.state, reason = excluded.reason, since = excluded.since,
        last_sign_at = excluded.last_sign_at, revision = s.revision + 1
    RETURNING s.lane, s.revision
)
SELECT pg_notify('bypunkt_status', lane || ':' || revision) FROM put
"""


@asynccontextmanager
async def site(database_url: str, admin_url: str) -> AsyncIterator[Site]:
    """Serve the demo villages on a free port, every device up for two hours."""
    async with Database.open(database_url) as database:
        await import_registry(database, read_registry(DEMO))
        running: Site

        async def ready() -> Readiness:
            return Readiness(())

        app = web_app(database, options=WebOptions(port=0), clock=lambda: running.now, readiness=ready)
        async with ClientSession() as http:
            running = Site("", admin_url, app, http)
            await running.run(_ALL_UP, NOW)
            async with serve(app, host="127.0.0.1", port=0) as url:
                running.url = url
                yield running


_ALL_UP = """
INSERT INTO device_status (municipality, device, lane, state, reason, since, last_sign_at, last_event_at,
    expected_interval_s, offline_after_s, revision)
SELECT d.municipality, d.id, m.lane, 'up', 'heard', $1::timestamptz - interval '2 hours', $1, $1,
    d.expected_interval_s, d.offline_after_s, 1
FROM device AS d JOIN municipality AS m ON m.code = d.municipality
"""
