import itertools
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles

from gateway.simulator.pace import VILLAGE_ZONE
from gateway.simulator.seasons import DAY
from gateway.simulator.village import KioskUse, Visit, kiosk_uses, rush, visits

WINTER = datetime(2026, 1, 12, tzinfo=VILLAGE_ZONE).astimezone(UTC)
JULY = datetime(2026, 7, 6, tzinfo=VILLAGE_ZONE).astimezone(UTC)
WEEK = 7 * DAY


def week_of_visits(since: datetime, *, seed: int = 1, a_day: float = 20) -> list[Visit]:
    stream = visits(str(seed), since, a_day=a_day)
    return list(itertools.takewhile(lambda visit: visit.starts_at < since + WEEK, stream))


def week_of_uses(since: datetime, *, seed: int = 1, a_day: float = 25) -> list[KioskUse]:
    stream = kiosk_uses(str(seed), since, a_day=a_day)
    return list(itertools.takewhile(lambda use: use.starts_at < since + WEEK, stream))


def test_same_seed_gives_same_visits() -> None:
    assert week_of_visits(WINTER) == week_of_visits(WINTER)
    assert week_of_visits(WINTER) != week_of_visits(WINTER, seed=2)
    assert week_of_uses(WINTER) == week_of_uses(WINTER)


def test_a_week_has_as_many_visits_as_its_days_promise() -> None:
    assert 120 <= len(week_of_visits(WINTER)) <= 160
    assert 370 <= len(week_of_visits(JULY)) <= 470


def test_most_people_come_around_noon_and_after_work_and_next_to_nobody_at_night() -> None:
    found = (visit for seed in range(10) for visit in week_of_visits(JULY, seed=seed))
    hours = Counter(visit.starts_at.astimezone(VILLAGE_ZONE).hour for visit in found)
    noon, work, evening, night = (
        sum(hours[hour] for hour in group) / len(group) for group in ((11, 12), (14, 15), (16, 17), range(5))
    )
    assert noon > work < evening
    assert night < noon / 20


def test_visits_last_and_load_what_domain_knowledge_says() -> None:
    found = [visit for seed in range(10) for visit in week_of_visits(JULY, seed=seed)]
    minutes = [(visit.ends_at - visit.starts_at) / timedelta(minutes=1) for visit in found]
    assert 12 < median(minutes) < 16
    assert 80 < quantiles(minutes, n=10)[8] < 110
    assert all(60e6 <= visit.down_bytes <= 250e6 for visit in found)
    assert 0.11 < sum(visit.up_bytes for visit in found) / sum(visit.down_bytes for visit in found) < 0.13


def test_a_kiosk_is_used_by_one_person_at_a_time() -> None:
    uses = week_of_uses(WINTER, a_day=200)
    assert all(before.ends_at <= after.starts_at for before, after in itertools.pairwise(uses))


def test_kiosk_uses_have_three_views_and_the_languages_of_the_season() -> None:
    winter = [use for seed in range(10) for use in week_of_uses(WINTER, seed=seed)]
    july = [use for seed in range(10) for use in week_of_uses(JULY, seed=seed)]
    assert 3.0 < sum(len(use.views) for use in winter) / len(winter) < 3.4
    assert 0.74 < share(winter, "sv") < 0.82
    assert 0.05 < share(winter, "de") < 0.09
    assert 0.17 < share(july, "de") < 0.23


def test_a_day_is_the_same_whenever_somebody_begins_to_look() -> None:
    from_thursday = visits("1", WINTER + 3 * DAY, a_day=20)
    later = [visit for visit in week_of_visits(WINTER) if visit.starts_at >= WINTER + 3 * DAY]
    assert list(itertools.islice(from_thursday, len(later))) == later


def test_a_rush_is_a_market_day_for_a_while() -> None:
    until = WINTER + timedelta(hours=10)
    found = list(rush(random.Random(1), WINTER, until))
    assert 330 <= len(found) <= 470  # 40 an hour
    assert all(WINTER <= visit.starts_at < until for visit in found)


def share(uses: list[KioskUse], lang: str) -> float:
    return sum(use.lang == lang for use in uses) / len(uses)
