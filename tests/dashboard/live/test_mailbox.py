"""The queue of one open page: bounded, merging, and shut when its reader is too slow."""

import asyncio

from dashboard.live.mailbox import MOST_WAITING, End, Frame, Mailbox


def frame(number: int, key: str | None = None) -> Frame:
    return Frame("event", {"sv": b"%d" % number}, key=(key,) if key else None, position=number)


async def test_newer_news_of_the_same_thing_replaces_the_older() -> None:
    mailbox = Mailbox()
    for number, key in enumerate(("a", "b", "a")):
        mailbox.put(frame(number, key))
    assert [waiting.position for waiting in await mailbox.take(1)] == [1, 2]


async def test_reader_who_is_too_slow_is_shut_out_and_nothing_is_kept_for_them() -> None:
    mailbox = Mailbox()
    for number in range(MOST_WAITING):
        mailbox.put(frame(number))
    assert mailbox.ended is None
    mailbox.put(frame(MOST_WAITING))
    assert mailbox.ended is End.TOO_SLOW
    assert await mailbox.take(1) == []
    mailbox.put(frame(0))
    assert await mailbox.take(1) == []


async def test_any_number_of_things_may_have_news() -> None:
    mailbox = Mailbox()
    for number in range(3 * MOST_WAITING):
        mailbox.put(frame(number, f"device-{number}"))
    assert mailbox.ended is None
    assert len(await mailbox.take(1)) == 3 * MOST_WAITING


async def test_reader_waits_for_news_and_no_longer_than_asked() -> None:
    mailbox = Mailbox()
    assert await mailbox.take(0.01) == []
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(mailbox.take(5))
        await asyncio.sleep(0)
        mailbox.put(frame(7))
    assert [news.position for news in waiting.result()] == [7]


async def test_end_wakes_the_reader() -> None:
    mailbox = Mailbox()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(mailbox.take(5))
        await asyncio.sleep(0)
        mailbox.end(End.STOPPING)
        mailbox.end(End.TOO_SLOW)
    assert (waiting.result(), mailbox.ended) == ([], End.STOPPING)
