"""Signing in and out, and who a request comes from. The cookie holds a random token, the database its hash."""

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from dashboard.web.brake import Brake
from services.runtime.clock import Clock
from services.storage.database import Database, Public, Role, SignIn
from services.tenants import people
from services.tenants.passwords import verify_password
from services.tenants.people import Person, TokenHash

# Each check of a password takes 64 MiB for 30 ms: so many at a time, the others wait their turn.
CHECKS_AT_A_TIME = 4


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in person and the session that they come with."""

    person: Person
    token: TokenHash


@dataclass(frozen=True, slots=True)
class SignedIn:
    """It worked: the token for the cookie."""

    token: str


@dataclass(frozen=True, slots=True)
class WrongPassword:
    """No such login, or another password: from outside these look the same."""


@dataclass(frozen=True, slots=True)
class TooManyTries:
    """The brake holds this login for so many seconds."""

    wait_s: int


Attempt: TypeAlias = SignedIn | WrongPassword | TooManyTries


class Sessions:
    """The sessions of the web face."""

    def __init__(self, database: Database, *, clock: Clock, hours: float) -> None:
        self._database = database
        self._clock = clock
        self._life = timedelta(hours=hours)
        self._brake = Brake(time.monotonic)
        self._checks = asyncio.Semaphore(CHECKS_AT_A_TIME)

    @property
    def life(self) -> timedelta:
        """How long a session lasts."""
        return self._life

    async def sign_in(self, login: str, password: str) -> Attempt:
        """Check login and password; the same work is done whether or not there is such a person."""
        login = login.strip().lower()[:128]
        if not people.is_login(login):
            login = ""  # nobody has it, and the database need not see it
        if wait_s := self._brake.try_once(login):
            return TooManyTries(wait_s)
        async with self._database.transaction(Role.WEB, SignIn(login=login)) as connection:
            known = await people.password_hash_of(connection, login)
        async with self._checks:
            right = await verify_password(known, password)
        if not right:
            return WrongPassword()
        now = self._clock()
        async with self._database.transaction(Role.WEB, SignIn(login=login)) as connection:
            person = await people.find(connection, login)
            if person is None or person.disabled_at is not None:
                return WrongPassword()
            token = await people.start_session(connection, person.id, now=now, until=now + self._life)
        self._brake.forgive(login)
        return SignedIn(token)

    async def find(self, token: TokenHash) -> Session | None:
        """The live session with this token, if its person may still sign in."""
        async with self._database.transaction(Role.WEB, Public()) as connection:
            person_id = await people.session_person(connection, token, now=self._clock())
        if person_id is None:
            return None
        async with self._database.transaction(Role.WEB, SignIn(person=person_id)) as connection:
            person = await people.person_by_id(connection, person_id)
        return Session(person, token) if person else None

    async def sign_out(self, token: TokenHash) -> None:
        """End a session."""
        async with self._database.transaction(Role.WEB, Public()) as connection:
            await people.end_session(connection, token)
