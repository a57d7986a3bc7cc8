"""What the log gives for devices now, judged again as the worker does; what lies before is as it is stored."""

from collections.abc import Mapping, Sequence
from datetime import date

from services.availability.explain import FromLog
from services.availability.past import Measured
from services.availability.standing import Key
from services.status import tables
from services.status.cases import Key as DeviceKey
from services.status.judging import Task, joined, verdicts_of
from services.status.models import Interval
from services.status.moments import millis
from services.status.outlook import READING, last_known
from services.status.reading import SETTLING
from services.status.store import queries
from services.storage.database import Connection
from services.tenants.wallclock import midnight


def judged_again(lane: int, first: date) -> FromLog:
    """Give all intervals of devices of a lane, those of `first` and later made again from the log."""

    async def again(connection: Connection, devices: Sequence[Key]) -> Mapping[Key, Sequence[Measured]]:
        keys = [DeviceKey(*device) for device in devices]
        found = await tables.intervals_since(connection, dict.fromkeys(keys, 0))
        place = await connection.fetchrow(queries.log_place, lane, READING)
        known, _ = await last_known(connection, lane, position=place["position"] if place else 0)
        cases = await tables.cases(connection, keys)
        settled = {
            row["municipality"]: millis(row["kept_from"] + SETTLING)
            for row in await connection.fetch(queries.horizons)
        }
        # Who is out of service is judged no more: what was measured until then stays.
        tasks = [
            Task(case.afresh(), max(midnight(first), settled.get(case.key.municipality, 0)))
            for case in cases
            if case.judged and not case.waits
        ]
        if known is not None:
            async for verdicts in verdicts_of(connection, known, tasks):
                for verdict in verdicts:
                    key = verdict.case.key
                    found[key] = joined(found.get(key, []), verdict.intervals)
        return {Key(*key): [_measured(interval) for interval in those] for key, those in found.items()}

    return again


def as_stored() -> FromLog:
    """Give what is stored, without asking the log."""

    async def stored(connection: Connection, devices: Sequence[Key]) -> Mapping[Key, Sequence[Measured]]:
        keys = [DeviceKey(*device) for device in devices]
        found = await tables.intervals_since(connection, dict.fromkeys(keys, 0))
        return {Key(*key): [_measured(interval) for interval in those] for key, those in found.items()}

    return stored


def _measured(interval: Interval) -> Measured:
    return Measured(interval.starts_at, interval.ends_at, interval.state.value, interval.reason.value)
