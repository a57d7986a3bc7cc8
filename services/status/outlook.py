"""What a turn of the reading can rest on: how far the log is read, how far we could see, and what time it is."""

from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg

from services.log.follow import Place
from services.status.cases import Key
from services.status.judging import Known
from services.status.models import Millis, Seen
from services.status.moments import maybe_millis, millis
from services.status.observed import Observed, Turned
from services.status.store import queries
from services.status.watch import watch_at
from services.storage.database import Connection

READING = "status"


@dataclass(frozen=True, slots=True)
class Recheck:
    """Devices of which the registry expects something else, and the rows that say so."""

    keys: frozenset[Key]
    rows: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known now, beside what was known when the lane was last judged.

    `settled` is until when time and sight have changed nothing since; None when nothing was judged yet. Before
    `due_from` no device changes by itself; None when that is not known. `seen_from` is since when we see without a
    break, or later; None while we do not, or have not seen on since the lane was last judged. `turned`: only that.
    """

    place: Place
    known: Known
    before: Known | None
    revision: int
    same_sight: bool
    settled: Millis | None
    due_from: Millis | None
    seen_from: Millis | None
    turned: Turned | None
    recheck: Recheck

    @property
    def lagging(self) -> bool:
        """Whether there is more in the log than this turn takes."""
        return not self.place.abreast


async def last_known(connection: Connection, lane: int, *, position: int) -> tuple[Known | None, int]:
    """How the lane was last judged, as far as `position` of its log, and its revision."""
    row = await connection.fetchrow(queries.lane, lane)
    return (None, 0) if row is None else (_judged(row, lane, position), row["revision"])


async def look_out(
    connection: Connection, place: Place, *, received: Millis | None = None, now: datetime
) -> Outlook | None:
    """Look at the log and the observations; `received` is when something before `place` was received.

    The place in what is returned is that of the log as it is now. A lane that lags behind its log is judged as of
    the newest event read, as if it were then: what has not been read must not look like silence. None when there
    is nothing to go by yet.
    """
    row = await connection.fetchrow(queries.outlook, place.lane, place.after, place.limit)
    if row is None:
        return None
    place = replace(place, head=row["head"])
    before = None if row["as_of"] is None else _judged(row, place.lane, 0)
    instants = [received, maybe_millis(row["newest"]), before.as_of if before else None]
    as_of = max(
        (instant for instant in (*instants, millis(now) if place.abreast else None) if instant is not None),
        default=None,
    )
    if as_of is None:
        return None
    seen = _seen(row)
    watch = watch_at(seen, as_of)
    observed = Observed.by(seen, watch, as_of=as_of)
    if before is not None:
        observed = replace(observed, until=max(observed.until, before.observed.until))
    same_sight = before is not None and before.observed.holds_in(watch)
    return Outlook(
        place=place,
        known=Known(place.lane, place.upto, as_of, observed),
        before=before,
        revision=row["revision"] or 0,
        same_sight=same_sight,
        settled=before.observed.settled_in(watch, as_of=as_of) if before else None,
        due_from=maybe_millis(row["due_from"]),
        seen_from=watch.pieces[-1][0] if same_sight and watch.open else None,
        turned=before.observed.turned_in(watch) if before and not same_sight else None,
        recheck=_recheck(row),
    )


def _judged(row: asyncpg.Record, lane: int, position: int) -> Known:
    return Known(lane, position, millis(row["as_of"]), Observed.parse(row["observed"]))


def _seen(row: asyncpg.Record) -> list[Seen]:
    columns = (row["seen_from"] or (), row["seen_until"] or (), row["closed"] or ())
    return [Seen(millis(start), millis(end), closed) for start, end, closed in zip(*columns, strict=True)]


def _recheck(row: asyncpg.Record) -> Recheck:
    codes, devices, ids = row["municipalities"] or (), row["devices"] or (), row["recheck_ids"] or ()
    return Recheck(frozenset(map(Key, codes, devices)), tuple(zip(codes, ids, strict=True)))
