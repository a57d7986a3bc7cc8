"""Goals of a staffed site, and what was said of them; made up."""

from typing import Any

from services.tenants.importing import import_registry
from services.tenants.models import RegistryFile
from services.tenants.periods import Period
from tests.dashboard.staffed import Staffed

_GOAL: dict[str, Any] = {
    "municipality": "0781", "metric": "wifi_availability", "point": "dp-lidhult", "target": 99, "period": "month",
    "owner": "Ljungby kommun, IT-enheten", "valid_from": "2026-01-01",
}  # fmt: skip
_ADD = """
INSERT INTO goal_result (
    municipality, goal, first_day, last_day, counted_to, is_over, status, why, value_part, value_whole, projected_part,
    projected_whole, coverage_part, coverage_whole, allowance_ms, used_ms, version, parts, evaluated_at
)
VALUES ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9, $10, $11, $12, 100, $13, $14, $15, '{}', now())
"""
NONE = (None, None)


async def promise(site: Staffed, *names: str, **changed: object) -> None:
    """Register goals: of a month's availability at a point, unless told otherwise."""
    goals = [{**_GOAL, **changed, "id": name} for name in names]
    await import_registry(site.database, RegistryFile.model_validate({"synthetic": True, "goals": goals}))


async def said(site: Staffed, goal: str, status: str, period: Period, **told: object) -> None:
    """Write down what was said of a goal in a period: `value` as (part, whole), `coverage` in per cent, `budget`."""
    known: dict[str, Any] = {
        "municipality": "0781", "value": NONE, "projected": NONE, "coverage": 100, "budget": NONE, "why": None,
        "is_over": True, "version": 1,
    } | told  # fmt: skip
    await site.run(
        _ADD, known["municipality"], goal, *period, known["is_over"], status, known["why"], *known["value"],
        *known["projected"], known["coverage"], *known["budget"], known["version"],
    )  # fmt: skip
