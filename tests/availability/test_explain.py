"""A number with all that it was made of, and the same number made again from the log."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from services.availability.conditions import RULE, Condition
from services.availability.explain import Explanation, explain
from services.availability.past import Measured, intervals_of
from services.availability.standing import DEVICE as A_DEVICE
from services.availability.standing import POINT as A_POINT
from services.availability.standing import Key, Subject
from services.runtime.spans import Span
from services.storage.database import Connection, Role, Tenants
from tests.availability.counting import DAY, DEVICE, HOME, OTHER, POINT, Counting, at, counting, wall

LAST = DAY + timedelta(days=2)
HOUR = 3_600_000


async def what_is_stored(connection: Connection, devices: Sequence[Key]) -> Mapping[Key, Sequence[Measured]]:
    """A log that says what is stored."""
    return await intervals_of(connection, devices, Span(0, 4_000_000_000_000))


async def an_older_log(_connection: Connection, devices: Sequence[Key]) -> Mapping[Key, Sequence[Measured]]:
    """A log that knows of an outage on the second day, and of nothing before."""
    return {
        device: [Measured(at(1, 6), None, "down", "silent")] for device in devices if device.name == DEVICE
    }


async def explained(lane: Counting, subject: Subject, log: object = None) -> Explanation:
    async with lane.database.transaction(Role.WEB, Tenants((HOME,))) as connection:
        return await explain(connection, subject, DAY, LAST, from_log=an_older_log if log else what_is_stored)


async def test_a_points_number_is_explained_and_made_again(database_url: str, admin_url: str) -> None:
    async with counting(database_url, admin_url) as lane:
        await lane.measure(
            DEVICE, (at(0), "heard"), (at(1, 6), "silent"), (at(1, 8), "uplink_lost"), (at(1, 9), "heard")
        )
        await lane.measure(OTHER, (at(2), "heard"))
        await lane.hours("09:00-18:00")
        await lane.work(wall(1, 4), wall(1, 7), point=POINT)
        await lane.work(wall(2, 1), wall(2, 2), device=OTHER)
        await lane.over(3)
        await lane.count()
        found = await explained(lane, Subject(HOME, A_POINT, POINT))
        differs = await explained(lane, Subject(HOME, A_POINT, POINT), an_older_log)
        await lane.measure(OTHER, (at(2), "silent"))
        await lane.work(wall(2, 5), wall(2, 6), device=DEVICE)
        await lane.count()
        device = await explained(lane, Subject(HOME, A_DEVICE, OTHER))
    assert (found.rule, found.agrees, len(found.days)) == (RULE, True, 3)
    assert found.figures == found.from_log
    assert found.figures.clock.down == HOUR
    assert (found.figures.clock.lost, found.figures.clock.maintenance) == (HOUR, 3 * HOUR)
    # 67 hours of 69 that are not maintenance, rounded down; open are three times nine hours.
    assert str(found.figures.clock.availability) == "97.10"
    assert found.figures.service.window == 27 * HOUR
    assert [day.devices for day in found.days] == [(DEVICE,), (DEVICE,), (DEVICE, OTHER)]
    second = found.days[1]
    assert [(stretch.start - at(1), stretch.condition) for stretch in second.line] == [
        (0, Condition.CLOSED),
        (4 * HOUR, Condition.MAINTENANCE),
        (7 * HOUR, Condition.CLOSED),
        (9 * HOUR, Condition.UP),
        (18 * HOUR, Condition.CLOSED),
    ]
    assert second.opened == (Span(at(1, 9), at(1, 18)),)
    assert [(work.point, work.device, work.reason) for work in found.works] == [
        (POINT, None, "new firmware"), (None, OTHER, "new firmware"),
    ]  # fmt: skip
    assert found.intervals[DEVICE][1] == Measured(at(1, 6), at(1, 8), "down", "silent")
    assert found.earlier == ()
    assert not differs.agrees
    assert [day.agrees for day in differs.days] == [False, False, False]
    assert differs.from_log.days == 2
    assert differs.figures == found.figures
    assert [(version.day, version.figures.clock.up) for version in device.earlier] == [(LAST, 23 * HOUR)]
    assert device.days[0].stored is not None
    assert device.days[0].stored.version == 2
    assert [day.day for day in device.days] == [LAST]
    assert [(work.point, work.device) for work in device.works] == [(POINT, None), (None, OTHER)]


async def test_what_is_not_counted_yet_is_not_in_the_number(database_url: str, admin_url: str) -> None:
    async with counting(database_url, admin_url) as lane:
        await lane.measure(DEVICE, (at(0), "heard"))
        await lane.over(1)
        await lane.count()
        found = await explained(lane, Subject(HOME, A_POINT, POINT))
        nobody = await explained(lane, Subject(HOME, A_POINT, "no-such-point"))
    assert (found.figures.days, found.agrees) == (1, False)
    assert [day.stored is not None for day in found.days] == [True, False, False]
    assert nobody.days == ()
    assert nobody.figures.clock.availability is None
