"""An account of one day that these tests speak of; a fixed Monday."""

from datetime import UTC, date, datetime

from dashboard.account import Account, Part, pieces
from services.availability.conditions import RULE, Condition, Stretch
from services.availability.explain import Work
from services.availability.figures import Figures, Times
from services.availability.past import Measured
from services.availability.store import EarlierVersion
from services.runtime.spans import Span
from services.tenants.wallclock import whole_days

HOUR = 3_600_000
DAY = date(2026, 9, 7)
SPAN = whole_days(DAY, DAY)
NIGHT = datetime(2026, 9, 8, 0, 10, tzinfo=UTC)


def account(**changed: bool) -> Account:
    """Ten hours up, two in maintenance, twelve down; open for the first eleven."""
    ends = [(10, Condition.UP), (12, Condition.MAINTENANCE), (24, Condition.DOWN)]
    line, start = [], SPAN.start
    for hour, condition in ends:
        line.append(Stretch(start, SPAN.start + hour * HOUR, condition))
        start = SPAN.start + hour * HOUR
    opened = (Span(SPAN.start, SPAN.start + 11 * HOUR),)
    figures = Figures(
        1,
        Times(up=10 * HOUR, down=12 * HOUR, maintenance=2 * HOUR),
        Times(up=10 * HOUR, maintenance=HOUR),
        outages=1,
    )
    part = Part(
        DAY, SPAN, figures, tuple(pieces(line, opened, SPAN)), ("hs-a",), RULE, 2, NIGHT,
        same_now=changed.get("same_now", True), same_in_log=None,
    )  # fmt: skip
    return Account(
        SPAN,
        figures,
        None,
        (part,),
        {
            "hs-a": [
                Measured(SPAN.start, SPAN.start + 12 * HOUR, "up", "heard"),
                Measured(SPAN.start + 12 * HOUR, None, "down", "silent"),
            ]
        },
        (Work("p", None, "=new router", (Span(SPAN.start + 10 * HOUR, SPAN.start + 12 * HOUR),)),),
        (EarlierVersion(DAY, Figures(1, Times(down=24 * HOUR)), RULE, 1, NIGHT, NIGHT),),
    )
