"""Goals made up for tests."""

from datetime import date
from fractions import Fraction
from typing import Any

from services.goals.models import Goal, Scope


def promise(**changed: object) -> Goal:
    """A goal of a month's availability at a point, unless told otherwise."""
    fields: dict[str, Any] = {
        "municipality": "0781", "id": "g-wifi-lidhult", "metric": "wifi_availability",
        "scope": Scope("0781", "dp-lidhult"), "comparator": "at_least", "target": Fraction(99), "period": "month",
        "owner": "Ljungby kommun", "visibility": "staff", "valid_from": date(2026, 1, 1),
    }  # fmt: skip
    return Goal(**(fields | changed))
