"""A served web face with two municipalities and people in every role, and the means to make things happen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from aiohttp import ClientResponse, ClientSession, ClientTimeout, CookieJar, web
from playwright.async_api import Browser, BrowserContext

from dashboard.app import serve, web_app
from dashboard.options import WebOptions
from dashboard.pages.demo_desk import Desk
from dashboard.web.readiness import Part, Readiness
from services.runtime import clock
from services.storage.database import Database, Installation, Role
from services.tenants import people
from services.tenants.access import EVERYWHERE, PersonRole
from services.tenants.passwords import hash_password
from tests.support import villages

PASSWORD = "en lång mening att minnas"
LIDHULT = ("0781", "hs-lidhult-1")
FORNASA = ("0583", "hs-fornasa-1")
LOGINS = {role: f"{role}@example.org" for role in PersonRole}
"""A login for each role; those that are held in one municipality are held in Ljungby (0781)."""


@dataclass
class Staffed:
    """A running web face; `skew` moves its clock, `parts` is what it thinks of its own readiness."""

    url: str
    admin_url: str
    database: Database
    app: web.Application
    skew: timedelta = timedelta()
    parts: list[Part] = field(default_factory=lambda: [Part("database", ready=True)])
    numbers: int = 0

    def now(self) -> datetime:
        return clock.now() + self.skew

    @asynccontextmanager
    async def visitor(self) -> AsyncIterator[ClientSession]:
        """Somebody without a session, who follows no redirects by themselves."""
        async with ClientSession(
            self.url, cookie_jar=CookieJar(unsafe=True), timeout=ClientTimeout(total=10)
        ) as http:
            yield http

    @asynccontextmanager
    async def signed_in(self, role: PersonRole = PersonRole.MUNICIPAL_ADMIN) -> AsyncIterator[ClientSession]:
        """Somebody with this role, signed in."""
        async with self.visitor() as http:
            answer = await sign_in(http, LOGINS[role])
            assert answer.status == 303
            yield http

    async def cookies(self, role: PersonRole) -> dict[str, str]:
        """The cookies of a new session of somebody with this role."""
        async with self.signed_in(role) as http:
            return {morsel.key: morsel.value for morsel in http.cookie_jar}

    @asynccontextmanager
    async def window(
        self, browser: Browser, role: PersonRole | None = PersonRole.MUNICIPAL_ADMIN, **options: object
    ) -> AsyncIterator[BrowserContext]:
        """A browser window, signed in where a role is given; an error in a script fails the test."""
        cookies = await self.cookies(role) if role else {}
        settings: dict[str, Any] = {"locale": "sv-SE", "base_url": self.url} | options
        context = await browser.new_context(**settings)
        errors: list[str] = []
        context.on("weberror", lambda error: errors.append(str(error.error)))
        await context.add_cookies(
            [{"name": name, "value": value, "url": self.url} for name, value in cookies.items()]
        )
        try:
            yield context
            assert errors == []
        finally:
            await context.close()

    async def happens(
        self, device: tuple[str, str], event_type: str, data: dict[str, Any], **changed: object
    ) -> None:
        """Append an event to the log as the gateway does."""
        self.numbers += 1
        now = self.now()
        fields: dict[str, Any] = {
            "municipality": device[0], "device": device[1], "type": event_type, "data": data,
            "id": f"t-{self.numbers}", "at": now, "received_at": now, "time": now,
        }  # fmt: skip
        event = villages.heartbeat(self.numbers, **(fields | changed))
        await villages.add(self.database, event)

    async def set_state(self, device: str, state: str, reason: str, *, since: datetime | None = None) -> None:
        """Put a device into a state and tell those who listen, as the status reading does."""
        now = self.now()
        await self.run(_SET_STATE, device, state, reason, since or now, now)

    async def see(self, until: datetime | None = None) -> None:
        """Prove that every lane can see until an instant, as the canary does."""
        until = until or self.now()
        await self.run(_SEE, until - timedelta(hours=1), until)

    async def run(self, sql: str, *values: object) -> object:
        """Change the database behind the program's back; returns the first value."""
        connection = await asyncpg.connect(self.admin_url)
        try:
            await connection.execute("SET search_path = bypunkt")
            return await connection.fetchval(sql, *values)
        finally:
            await connection.close()


_SET_STATE = """
WITH counted AS (
    INSERT INTO status_lane (lane, as_of, revision)
    SELECT m.lane, $5, 1 FROM device AS d JOIN municipality AS m ON m.code = d.municipality WHERE d.id = $1
    ON CONFLICT (lane) DO UPDATE SET revision = status_lane.revision + 1
    RETURNING lane, revision
), put AS (
    INSERT INTO device_status (municipality, device, lane, state, reason, since, last_sign_at,
        last_event_at, expected_interval_s, offline_after_s, revision)
    SELECT d.municipality, d.id, c.lane, $2, $3, $4, $5, $5, d.expected_interval_s, d.offline_after_s, c.revision
    FROM device AS d CROSS JOIN counted AS c
    WHERE d.id = $1
    ON CONFLICT (municipality, device) DO UPDATE
    SET state = excluded.state, reason = excluded.reason, since = excluded.since,
        last_sign_at = excluded.last_sign_at, revision = excluded.revision
    RETURNING lane, revision
)
SELECT pg_notify('bypunkt_status', lane || ':' || revision) FROM put
"""
_SEE = """
INSERT INTO observation (lane, seen_from, seen_until) SELECT lane, $1, $2 FROM lane_in_use
ON CONFLICT (lane, seen_from) DO UPDATE SET seen_until = excluded.seen_until
"""


async def sign_in(http: ClientSession, login: str, password: str = PASSWORD, **form: str) -> ClientResponse:
    """Send the sign-in form."""
    return await http.post(
        "/staff/sign-in", data={"login": login, "password": password, **form}, allow_redirects=False
    )


@asynccontextmanager
async def staffed(
    database_url: str, admin_url: str, options: WebOptions | None = None, *, desk: Desk | None = None
) -> AsyncIterator[Staffed]:
    """Serve two municipalities with one person for each role."""
    async with villages.villages(database_url, at=clock.now()) as database:
        await employ(database)
        site: Staffed

        async def readiness() -> Readiness:
            return Readiness(tuple(site.parts))

        app = web_app(
            database,
            options=options or WebOptions(port=0),
            clock=lambda: clock.now() + site.skew,
            readiness=readiness,
            desk=desk,
        )
        site = Staffed("", admin_url, database, app)
        await site.see(site.now() + timedelta(hours=1))
        async with serve(app, host="127.0.0.1", port=0) as url:
            site.url = url
            yield site


async def employ(database: Database) -> None:
    """Hire one person for each role; those of one municipality work in Ljungby, which must be registered."""
    global _password_hash  # noqa: PLW0603 - made once: it is slow on purpose
    _password_hash = _password_hash or await hash_password(PASSWORD)
    async with database.transaction(Role.WEB, Installation()) as connection:
        for role, login in LOGINS.items():
            municipality = None if role in EVERYWHERE else "0781"
            await connection.execute(people.queries.add_person, login, municipality, role, _password_hash)


_password_hash = ""
