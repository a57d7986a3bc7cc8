"""Whether this installation can serve: the database is reached, and canaries come the whole way."""

from datetime import timedelta

from dashboard.web.readiness import Part, Readiness, ReadinessCheck
from services.log.lanes import sight_of_lanes
from services.runtime.clock import Clock
from services.storage.database import UNREACHABLE, Database

# The same silence that makes time blind (architecture, liveness).
_BLIND_AFTER = timedelta(seconds=15)


def readiness_of(database: Database, *, clock: Clock) -> ReadinessCheck:
    """Return a check that answers from the database alone, so that it is true in whichever process it is asked."""

    async def check() -> Readiness:
        try:
            lanes = await sight_of_lanes(database)
        except UNREACHABLE:
            unknown = Part("broker", ready=False, detail="not known without the database")
            return Readiness((Part("database", ready=False, detail="not reached"), unknown))
        seeing = [
            lane for lane, seen_until in lanes.items() if seen_until and clock() - seen_until <= _BLIND_AFTER
        ]
        blind = len(lanes) - len(seeing)
        detail = f"{blind} of {len(lanes)} lanes have seen no canary for 15 s" if blind else ""
        if not lanes:
            detail = "no municipality is registered"
        broker = Part("broker", ready=blind == 0 and bool(lanes), detail=detail)
        return Readiness((Part("database", ready=True), broker))

    return check
