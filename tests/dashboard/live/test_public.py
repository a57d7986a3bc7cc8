"""The public stream's first picture: all of it, however many points there are."""

from dataclasses import replace

from dashboard.live.mailbox import MOST_WAITING
from dashboard.live.public import PublicStreams
from dashboard.points import PublicPoints
from services.tenants.public import Villages
from tests.dashboard.public.test_picture import LAGAN, LJUNGBY, NOON

POINTS = 600


async def test_first_picture_of_many_points_does_not_end_the_stream() -> None:
    assert POINTS > MOST_WAITING
    every = tuple(replace(LAGAN, id=f"dp-{number}") for number in range(POINTS))

    async def read() -> Villages:
        return Villages((LJUNGBY,), every, ())

    streams = PublicStreams(PublicPoints(read, lambda: NOON), clock=lambda: NOON, most=1)
    async with streams.reader(municipality=None, point=None) as reader:
        assert reader.mailbox.ended is None
        told = await reader.mailbox.take(1)
    assert {frame.point for frame in told} == {point.id for point in every}
