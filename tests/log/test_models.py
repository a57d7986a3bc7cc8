"""What the log says of what it took in adds up to what it was given."""

from services.log.models import Stored
from tests.support.villages import add, heartbeat, villages


async def test_new_and_known_events_are_counted_apart(database_url: str) -> None:
    async with villages(database_url) as database:
        assert await add(database, heartbeat(1)) == Stored(new=1, duplicates=0, dead=0)
        assert await add(database, heartbeat(1), heartbeat(2)) == Stored(new=1, duplicates=1, dead=0)
