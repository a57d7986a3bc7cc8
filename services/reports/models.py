"""What a report holds: exact whole numbers, written in one way, so that equal figures are equal bytes.

Nothing in it is about one visitor, and numbers of one to four are not in it either (docs/decisions/0029).
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from services.reports.naming import Kind

FORM: Final = 1
"""The form of the content; it is part of what is hashed."""

Amount: TypeAlias = Annotated[int, Field(ge=0)]


class Part(BaseModel):
    """A part of a report."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Clock(Part):
    """Milliseconds by what was said of them; `lost` was on without internet, `degraded` worked for visitors."""

    up: Amount = 0
    degraded: Amount = 0
    lost: Amount = 0
    down: Amount = 0
    blind: Amount = 0
    maintenance: Amount = 0

    def plus(self, other: Self) -> "Clock":
        """Both together."""
        return Clock(
            up=self.up + other.up,
            degraded=self.degraded + other.degraded,
            lost=self.lost + other.lost,
            down=self.down + other.down,
            blind=self.blind + other.blind,
            maintenance=self.maintenance + other.maintenance,
        )


class Availability(Part):
    """A subject over some of its days, by the whole clock and within its hours."""

    days: Amount = 0
    clock: Clock = Clock()
    service: Clock = Clock()
    hours_known: bool = True
    outages: Amount = 0

    def plus(self, other: "Availability") -> "Availability":
        """Both together."""
        return Availability(
            days=self.days + other.days,
            clock=self.clock.plus(other.clock),
            service=self.service.plus(other.service),
            hours_known=self.hours_known and other.hours_known,
            outages=self.outages + other.outages,
        )

    @classmethod
    def total(cls, several: Iterable["Availability | None"]) -> "Availability | None":
        """All together; none where there is nothing."""
        whole: Availability | None = None
        for one in several:
            if one is not None:
                whole = one if whole is None else whole.plus(one)
        return whole


class Range(Part):
    """A number as it may be published: from `low` to `high`, and exact where they are the same."""

    low: Amount
    high: Amount


class Outage(Part):
    """The longest time without a break in which it did not work, in milliseconds since 1970 UTC."""

    start: int
    end: int


class Usage(Part):
    """Use as it may be published. Volumes are bytes as visitors see them; `estimated`: part of them is.

    `reported_days`: days of devices that told their visitors, of `expected_days`. `covered`: the same in ten
    thousandths of a day, less the time in which the device was not counting.
    """

    down_bytes: Amount = 0
    up_bytes: Amount = 0
    estimated: bool = False
    sessions: Range
    visitor_days: Range
    reported_days: Amount = 0
    expected_days: Amount = 0
    covered: Amount = 0
    kiosk_sessions: Range
    kiosk_views: Range


class Step(Part):
    """A day of a month or a month of a year, by its first day; `availability` is none where nothing is counted."""

    first: date
    availability: Availability | None


class PointPart(Part):
    """What a report says of a point."""

    id: str
    names: dict[str, str]
    synthetic: bool
    availability: Availability | None
    longest: Outage | None
    usage: Usage | None
    steps: tuple[Step, ...] = ()


class GoalPart(Part):
    """A goal in a period that ended within the report's; shares and values are exact, written 99/100.

    Counts of visits are not told with it: a few could be told apart.
    """

    id: str
    metric: str
    point: str | None
    comparator: str
    target: str
    first: date
    last: date
    value: str | None
    coverage: str
    status: str


class Content(Part):
    """All of a report. `rules`: by which version of which rule its figures were made."""

    form: Literal[1] = FORM
    kind: Kind
    municipality: str
    name: str
    point: str | None
    period: str
    first: date
    last: date
    rules: dict[str, int]
    availability: Availability | None
    usage: Usage | None
    steps: tuple[Step, ...]
    points: tuple[PointPart, ...]
    goals: tuple[GoalPart, ...] = ()

    @property
    def canonical(self) -> str:
        """The one way in which this content is written: sorted keys, no spaces, whole numbers."""
        return json.dumps(
            self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )

    @classmethod
    def read(cls, canonical: str) -> Self:
        """Read it again."""
        return cls.model_validate_json(canonical)


def fingerprint(canonical: str) -> str:
    """The SHA-256 of a report's content, in hexadecimal."""
    return hashlib.sha256(canonical.encode()).hexdigest()
