"""What a turn of the reading can rest on: how far the log is read, how far we could see, and what time it is."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from services.status.judging import Known
from services.status.models import Millis
from services.status.moments import millis
from services.status.observed import Observed
from services.status.store import queries, seen_since
from services.status.watch import watch_at
from services.storage.database import Connection

READING = "status"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known now, beside what was known when the lane was last judged.

    `settled` is until when time and sight have changed nothing since; None when nothing was judged yet.
    """

    known: Known
    before: Known | None
    revision: int
    lagging: bool
    same_sight: bool
    settled: Millis | None


async def last_known(connection: Connection, lane: int, *, position: int) -> tuple[Known | None, int]:
    """How the lane was last judged, as far as `position` of its log, and its revision."""
    row = await connection.fetchrow(queries.lane, lane)
    if row is None:
        return None, 0
    return Known(lane, position, millis(row["as_of"]), Observed.parse(row["observed"])), row["revision"]


async def look_out(
    connection: Connection,
    lane: int,
    received: Collection[Millis],
    *,
    position: int | None = None,
    now: datetime,
) -> Outlook | None:
    """Look at the log and the observations; `received` is when the events were received until `position`.

    A lane that lags behind its log is judged as of the newest event read, as if it were then: what has not
    been read must not look like silence. None when there is nothing to go by yet.
    """
    before, revision = await last_known(connection, lane, position=0)
    # The observations first: whatever was received before their newest canary is then within the head read next.
    seen = await seen_since(connection, lane, before.observed.until if before else 0)
    place = await connection.fetchrow(queries.log_place, lane, READING)
    if place is None:
        return None
    position = place["position"] if position is None else position
    lagging = place["head"] > position
    instants = [*received, *([before.as_of] if before else []), *([] if lagging else [millis(now)])]
    if not instants:
        return None
    as_of = max(instants)
    watch = watch_at(seen, as_of)
    observed = Observed.by(seen, watch, as_of=as_of)
    if before is not None:
        observed = replace(observed, until=max(observed.until, before.observed.until))
    return Outlook(
        known=Known(lane, position, as_of, observed),
        before=before,
        revision=revision,
        lagging=lagging,
        same_sight=before is not None and before.observed.holds_in(watch),
        settled=before.observed.settled_in(watch, as_of=as_of) if before else None,
    )
