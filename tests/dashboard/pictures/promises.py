"""What has been promised in the villages, judged as a worker does; the demo's own goals, and synthetic."""

from config.goal_measures import MEASURES
from services.goals.judging import GoalKeeper
from tests.dashboard.staffed import Staffed


async def judge(site: Staffed) -> None:
    """Judge every goal in all its periods."""
    await GoalKeeper(site.database, measures=MEASURES, clock=site.now).once()
