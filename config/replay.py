"""Send a dead letter through judgement and into the log again, with its own time of receipt."""

import asyncpg

from gateway import codecs
from services.ingest.models import Accepted, Refused
from services.ingest.registry import load_registry
from services.log.append import append
from services.log.deadletters import drop
from services.storage.database import Database, Lane, Role


async def replay(database: Database, letter: asyncpg.Record) -> list[Refused]:
    """Store what a dead letter says, and drop it; returns why not, and keeps it, when it is refused again.

    Storing and dropping are one transaction: a replay that is interrupted has not happened, and one that is
    repeated stores nothing twice.
    """
    lane = Lane(letter["lane"])
    registry = await load_registry(database, lane.number)
    identity = codecs.identity(letter["topic"])
    await registry.look_up(database, lane.number, [identity] if identity else [])
    verdicts = codecs.judge(
        letter["topic"], letter["payload"].encode(), letter["received_at"], retain=False, registry=registry
    )
    refused = [verdict for verdict in verdicts if isinstance(verdict, Refused)]
    if not refused:
        accepted = [verdict for verdict in verdicts if isinstance(verdict, Accepted)]
        async with database.transaction(Role.INGEST, lane) as connection:
            # Dropped first: of two replays at the same time the second finds nothing to drop, and stores nothing.
            if await drop(connection, [letter["id"]]):
                await append(connection, lane.number, accepted)
    return refused
