"""Q5: received = stored + duplicate + dead-lettered + refused + returned + in hand, from metrics and from SQL.

Metrics die with their process: after a kill only the tables and the fleet can be held against each other (`audit`).
"""

from collections import defaultdict
from dataclasses import asdict, dataclass

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.faults.audit import looking
from benchmarks.faults.rig import Rig
from benchmarks.faults.waiting import until

_IN_SQL = """
SELECT (SELECT count(*) FROM bypunkt.event) AS stored, (SELECT count(*) FROM bypunkt.dead_letter) AS dead_lettered
"""


@dataclass(frozen=True, slots=True)
class Account:
    """Counts of events, of one gateway process since its start; `in_flight` of messages."""

    received: int
    stored: int
    duplicate: int
    dead_lettered: int
    refused: int
    returned: int
    in_hand: int
    in_flight: int
    stored_in_sql: int
    dead_lettered_in_sql: int

    @property
    def difference(self) -> int:
        """What of the received is unaccounted for; 0 is how it must be at every moment."""
        settled = self.stored + self.duplicate + self.dead_lettered + self.refused
        return abs(self.received - settled - self.returned - self.in_hand)

    @property
    def difference_in_sql(self) -> int:
        """What the tables hold more or less than was counted.

        0 unless PostgreSQL died: a commit whose answer was lost is tried again, and its events count as duplicates
        then, or its dead letters are there twice.
        """
        stored, dead = self.stored_in_sql - self.stored, self.dead_lettered_in_sql - self.dead_lettered
        return abs(stored) + abs(dead)

    def shown(self) -> dict[str, object]:
        """The figures."""
        return {**asdict(self), "difference": self.difference, "difference_in_sql": self.difference_in_sql}


async def metrics(installation: Rig) -> dict[str, float]:
    """The sums of all samples by name, and by name and outcome."""
    async with aiohttp.ClientSession() as session, session.get(f"{installation.web}/metrics") as answer:
        text = await answer.text()
    sums: dict[str, float] = defaultdict(float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name] += sample.value
            if "outcome" in sample.labels:
                sums[f"{sample.name}:{sample.labels['outcome']}"] += sample.value
    return sums


async def account(installation: Rig) -> Account:
    """Take the account as it stands."""
    found = await metrics(installation)
    async with looking(installation.postgres) as connection:
        row = await connection.fetchrow(_IN_SQL)
    assert row is not None
    outcome = "bypunkt_ingest_events_total"
    return Account(
        received=int(found["bypunkt_gateway_events_total"]),
        stored=int(found[f"{outcome}:stored"]),
        duplicate=int(found[f"{outcome}:duplicate"]),
        dead_lettered=int(found[f"{outcome}:dead_lettered"]),
        refused=int(found[f"{outcome}:refused"]),
        returned=int(found["bypunkt_gateway_events_returned_total"]),
        in_hand=int(found["bypunkt_gateway_events_in_hand"]),
        in_flight=int(found["bypunkt_gateway_in_flight"]),
        stored_in_sql=row["stored"],
        dead_lettered_in_sql=row["dead_lettered"],
    )


async def settled_account(installation: Rig, *, within: float = 30.0) -> Account:
    """Take the account when nothing is in flight; a canary may be at any one moment."""

    async def nothing_in_flight() -> bool:
        return not (await account(installation)).in_flight

    await until(nothing_in_flight, within=within)
    return await account(installation)
