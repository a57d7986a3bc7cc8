"""The metrics, in one explicit list.

To add a metric: its name in `services/tenants/models.py`, its line here, its measure in `config/goal_measures.py` (a
metric without one has no data yet, and says so), its words in `dashboard/goal_words.py`, a row in docs/goals.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.tenants.models import MetricName


class Unit(StrEnum):
    """What a value is counted in."""

    PERCENT = "%"
    HOURS = "h"
    GIGABYTES = "GB"
    NUMBER = ""


class Source(StrEnum):
    """Where the days come from that a metric rests on."""

    AVAILABILITY = "availability"
    USAGE = "usage"
    REGISTRY = "registry"
    """Known ahead; nothing has to be counted first."""
    NONE = "none"
    """There is no data for it yet."""


@dataclass(frozen=True, slots=True)
class Metric:
    """What can be promised."""

    unit: Unit
    source: Source


METRICS: Mapping[MetricName, Metric] = {
    "wifi_availability": Metric(Unit.PERCENT, Source.AVAILABILITY),
    "wifi_availability_open": Metric(Unit.PERCENT, Source.AVAILABILITY),
    "hours_per_week": Metric(Unit.HOURS, Source.REGISTRY),
    "basic_services": Metric(Unit.NUMBER, Source.REGISTRY),
    "visitor_days": Metric(Unit.NUMBER, Source.USAGE),
    "wifi_sessions": Metric(Unit.NUMBER, Source.USAGE),
    "wifi_data_gb": Metric(Unit.GIGABYTES, Source.USAGE),
    "kiosk_sessions": Metric(Unit.NUMBER, Source.USAGE),
    "notice_board_renewed": Metric(Unit.NUMBER, Source.NONE),
    "activities": Metric(Unit.NUMBER, Source.NONE),
}
