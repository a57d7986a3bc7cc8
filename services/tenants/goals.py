"""Goals of registry files: taken in as they are, unless they promise something else than what has been judged."""

from collections.abc import Sequence

from services.storage.database import Connection
from services.storage.sql import load_queries
from services.tenants.models import GoalRecord

queries = load_queries(__package__, "goals.sql")


async def keep_goals(connection: Connection, goals: Sequence[GoalRecord], *, synthetic: bool) -> list[str]:
    """Register goals, and return what is wrong with them; then nothing is registered.

    What a goal promises stays as it is once a period has been judged by it; its owner, its visibility and its end may
    change.
    """
    promised = (
        [goal.municipality for goal in goals],
        [goal.id for goal in goals],
        [goal.metric for goal in goals],
        [goal.point for goal in goals],
        [goal.point_kind for goal in goals],
        [goal.comparator for goal in goals],
        [goal.target for goal in goals],
        [goal.period for goal in goals],
        [goal.valid_from for goal in goals],
    )
    points = {(row["municipality"], row["id"]) for row in await connection.fetch(queries.points_of_goals)}
    lost = [
        f"goal {goal.id}: there is no service point {goal.point} in municipality {goal.municipality}"
        for goal in goals
        if goal.point and (goal.municipality, goal.point) not in points
    ]
    settled = [
        f"goal {row['id']} of municipality {row['municipality']} has been judged already: end it with valid_until, "
        "and promise something else under a new id"
        for row in await connection.fetch(queries.settled_goals, *promised)
    ]
    if not lost and not settled:
        await connection.execute(
            queries.put_goals,
            *promised,
            [goal.owner for goal in goals],
            [goal.visibility for goal in goals],
            [goal.valid_until for goal in goals],
            [goal.synthetic or synthetic for goal in goals],
        )
    return lost + settled
