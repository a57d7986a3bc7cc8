"""The public stream's first picture: all of it, however many points there are; and what changes meanwhile."""

import asyncio
from dataclasses import replace

from dashboard.live.mailbox import MOST_WAITING
from dashboard.live.public import PublicStreams
from dashboard.points import PublicPoints
from services.tenants.public import Villages
from tests.dashboard.public.test_picture import HOTSPOT, LAGAN, LJUNGBY, NOON
from tests.support import eventually

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


async def test_change_that_comes_while_a_reader_is_welcomed_is_told() -> None:
    may_read, hotspot = asyncio.Semaphore(0), HOTSPOT

    async def read() -> Villages:
        await may_read.acquire()
        return Villages((LJUNGBY,), (LAGAN,), (hotspot,))

    streams = PublicStreams(PublicPoints(read, lambda: NOON), clock=lambda: NOON, most=1)
    told: list[str] = []

    async def come() -> None:
        async with streams.reader(municipality=None, point=None) as reader:
            for _ in range(2):
                told.extend(frame.texts["sv"].decode() for frame in await reader.mailbox.take(2))

    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(streams.follow())
        visitor = tasks.create_task(come())
        await asyncio.sleep(0)
        streams.wake()
        await asyncio.sleep(0)
        may_read.release()
        await eventually(lambda: len(told) == 1)
        hotspot = replace(HOTSPOT, state="down", reason="silent")
        may_read.release()
        await visitor
        following.cancel()
    assert ['"working"' in text for text in told] == [True, False]
