"""Whether this installation can serve: the database is reached, and canaries come the whole way."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from dashboard.web.readiness import Part, Readiness, ReadinessCheck
from services.log.lanes import BLIND_AFTER, LaneState, states_of_lanes
from services.runtime.clock import Clock
from services.storage.database import UNREACHABLE, Database

# An idle reading says at least every five seconds that it has read everything.
_BEHIND_AFTER = timedelta(seconds=30)


def readiness_of(database: Database, *, readings: Sequence[str], clock: Clock) -> ReadinessCheck:
    """Return a check that answers from the database alone, so that it is true in whichever process it is asked."""

    async def check() -> Readiness:
        try:
            return _judge(await states_of_lanes(database, readings), clock())
        except UNREACHABLE:
            unknown = "not known without the database"
            return Readiness(
                (
                    Part("database", ready=False, detail="not reached"),
                    Part("broker", ready=False, detail=unknown),
                    Part("readings", ready=False, detail=unknown),
                )
            )

    return check


def _judge(lanes: list[LaneState], now: datetime) -> Readiness:
    blind = sum(not _since(lane.seen_until, now, BLIND_AFTER) for lane in lanes)
    behind = sum(not _since(lane.read_until, now, _BEHIND_AFTER) for lane in lanes)
    return Readiness(
        (
            Part("database", ready=True),
            _part("broker", blind, lanes, "lanes have seen no canary for 15 s"),
            _part("readings", behind, lanes, "lanes were not read to their end for 30 s"),
        )
    )


def _since(moment: datetime | None, now: datetime, at_most: timedelta) -> bool:
    return moment is not None and now - moment <= at_most


def _part(name: str, failing: int, lanes: list[LaneState], says: str) -> Part:
    if not lanes:
        return Part(name, ready=False, detail="no municipality is registered")
    return Part(name, ready=not failing, detail=f"{failing} of {len(lanes)} {says}" if failing else "")
