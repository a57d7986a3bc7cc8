"""The agent as a whole, with a real broker, a real gateway and a real database."""

from pathlib import Path

from gateway.embedded import Mosquitto
from tests.gateway.agent.agents import at_work
from tests.support.gateways import at_work as gateway_at_work
from tests.support.gateways import stored
from tests.support.waiting import eventually

WITHIN = 20


async def test_events_are_stored_and_leave_the_spool_by_their_receipt(
    mosquitto: Mosquitto, database_url: str, tmp_path: Path
) -> None:
    async with (
        gateway_at_work(database_url, mosquitto) as (database, _),
        at_work(tmp_path, mosquitto) as agent,
    ):
        kept = [await agent.report("device.heartbeat", {"uptime_s": number}) for number in range(5)]
        await eventually(lambda: agent.tally.receipted >= 6, within=WITHIN)  # with the birth
        assert await agent.waiting() == 0
        found = await stored(database)
        assert set(kept) < set(found)
        assert len(found) == 6
