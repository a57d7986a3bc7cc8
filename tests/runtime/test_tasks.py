"""Loops that must go on: they start again, wait a little longer each time, and end when they are told to."""

import asyncio
import re
from collections.abc import Callable

import asyncpg
import pytest
from structlog.testing import capture_logs

from services.runtime import tasks
from services.runtime.tasks import backoff_s, describe, running, supervise
from tests.support.waiting import eventually


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the tries that a pause was asked for; none takes any time."""
    asked: list[int] = []

    def at_once(attempt: int) -> float:
        asked.append(attempt)
        return 0.0

    monkeypatch.setattr(tasks, "backoff_s", at_once)
    return asked


def test_pauses_double_up_to_a_limit_and_scatter() -> None:
    for attempt, longest in ((1, 0.2), (2, 0.4), (5, 3.2), (7, 10.0), (10_000, 10.0)):
        pauses = [backoff_s(attempt) for _ in range(50)]
        assert all(longest / 2 <= pause <= longest for pause in pauses), attempt
        assert len(set(pauses)) > 1
    assert backoff_s(9, first=1, most=2) <= 2


async def test_a_failed_loop_starts_again_and_says_why_without_what_it_held(attempts: list[int]) -> None:
    failures = [ValueError("bad luck\nthe payload was: secret"), OSError(111, "Connection refused")]

    async def run() -> None:
        if failures:
            raise failures.pop(0)

    with capture_logs() as lines:
        await supervise("a loop", run)
    assert attempts == [1, 2]
    assert [(line["event"], line["task"]) for line in lines] == [("task_failed", "a loop")] * 2
    unknown, refused = (line["error"] for line in lines)
    assert re.fullmatch(r"ValueError at test_tasks\.py:\d+", unknown)
    assert refused == "ConnectionRefusedError: Connection refused"


async def test_a_run_that_was_steady_begins_counting_anew(attempts: list[int]) -> None:
    left = 3

    async def run() -> None:
        nonlocal left
        left -= 1
        if left:
            await asyncio.sleep(0.001)
            raise ValueError

    await supervise("steady", run, steady_s=0)
    assert attempts == [1, 1]


async def test_only_cancellation_leaves_a_supervised_loop(attempts: list[int]) -> None:
    async def run() -> None:
        await asyncio.sleep(0)
        raise ValueError

    task = asyncio.create_task(supervise("endless", run))
    await eventually(lambda: len(attempts) > 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.usefixtures("attempts")
async def test_jobs_run_while_the_block_is_open_and_one_that_fails_disturbs_no_other() -> None:
    said: list[str] = []

    def job(name: str, *, fails: bool) -> Callable[[], "asyncio.Future[None]"]:
        async def run() -> None:
            said.append(name)
            if fails:
                raise ValueError
            try:
                await asyncio.Event().wait()
            finally:
                said.append(f"{name} ended")

        return lambda: asyncio.ensure_future(run())

    async with running({"good": job("good", fails=False), "bad": job("bad", fails=True)}):
        await eventually(lambda: said.count("bad") > 2)
        assert said.count("good") == 1
    assert said.count("good ended") == 1


async def test_jobs_end_when_the_block_fails() -> None:
    ended = asyncio.Event()

    async def run() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def block() -> None:
        async with running({"job": run}):
            await asyncio.sleep(0)
            raise LookupError("in the block")

    with pytest.raises(ExceptionGroup) as failed:
        await block()
    assert ended.is_set()
    assert describe(failed.value).startswith("LookupError at test_tasks.py:")


def test_an_error_is_one_short_line_that_quotes_no_data() -> None:
    assert describe(ValueError("invalid literal for int(): 'aa:bb:cc:dd:ee:ff'")) == "ValueError"
    assert describe(asyncpg.DataError("invalid input syntax: 'aa:bb:cc:dd:ee:ff'")) == "DataError"
    assert describe(asyncpg.CannotConnectNowError("is starting up\nmore")) == (
        "CannotConnectNowError: is starting up"
    )
    assert len(describe(OSError("x" * 10_000))) < 250
    assert describe(FileNotFoundError(2, "No such file or directory", "/etc/bypunkt/secret")) == (
        "FileNotFoundError: No such file or directory"
    )
    group = ExceptionGroup(
        "many", [ValueError("b"), ValueError("b"), ExceptionGroup("more", [KeyError("a")])]
    )
    assert describe(group) == "KeyError; ValueError"
