"""Children start ready, end in order, and never outlive their parent."""

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from services.runtime.accounts import AccountError, unprivileged_account
from services.runtime.child import Child, ChildError, Command
from tests.support import eventually, processes

ANNOUNCED = "listening"


@pytest.fixture
def shell(tmp_path: Path) -> Callable[[str], Command]:
    return lambda script: Command(
        name="shell", arguments=("/bin/sh", "-c", script), log=tmp_path / "shell.log"
    )


def announced(command: Command) -> Child:
    """A child that is ready when it has said so in its log."""

    async def ready() -> bool:
        return ANNOUNCED in child.log_tail()

    child = Child(command, ready=ready, ready_within=5)
    return child


async def test_child_is_ready_on_entry_and_gone_after_exit(shell: Callable[[str], Command]) -> None:
    async with announced(shell(f"echo {ANNOUNCED}; exec sleep 60")) as child:
        assert child.running
        assert processes.alive(child.pid)
    assert not child.running
    assert not processes.alive(child.pid)
    assert await child.wait() == -signal.SIGTERM


def test_child_lives_on_uvloop_as_well(shell: Callable[[str], Command]) -> None:
    async def run() -> int:
        async with announced(shell(f"echo {ANNOUNCED}; exec sleep 60")) as child:
            pass
        return await child.wait()

    assert uvloop.run(run()) == -signal.SIGTERM


async def test_child_that_ends_before_it_is_ready_fails_early_with_its_last_lines(
    shell: Callable[[str], Command],
) -> None:
    child = announced(shell("echo no such luck; exit 3"))
    with pytest.raises(ChildError, match=r"status 3 before it was ready(.|\n)*no such luck"):
        await child.start()


async def test_last_lines_are_those_of_this_run_alone(shell: Callable[[str], Command]) -> None:
    async with Child(shell("echo earlier")) as earlier:
        await earlier.wait()
    child = announced(shell("exit 1"))
    with pytest.raises(ChildError, match="It wrote nothing"):
        await child.start()


async def test_child_that_is_not_ready_in_time_is_ended(shell: Callable[[str], Command]) -> None:
    async def never() -> bool:
        return False

    child = Child(shell("exec sleep 60"), ready=never, ready_within=0.1)
    with pytest.raises(ChildError, match=r"not ready within 0\.1 s"):
        await child.start()
    assert not processes.alive(child.pid)


async def test_cancelled_start_leaves_nothing_behind(shell: Callable[[str], Command]) -> None:
    child = announced(shell("exec sleep 60"))
    async with asyncio.TaskGroup() as group:
        starting = group.create_task(child.start())
        await eventually(lambda: child.running)
        starting.cancel()
    assert not processes.alive(child.pid)


async def test_end_is_noticed_while_waiting(shell: Callable[[str], Command]) -> None:
    async with Child(shell("exit 7")) as child:
        assert await asyncio.wait_for(child.wait(), 5) == 7


async def test_stop_can_be_called_twice_and_at_once(shell: Callable[[str], Command]) -> None:
    async with announced(shell(f"echo {ANNOUNCED}; exec sleep 60")) as child:
        async with asyncio.TaskGroup() as group:
            group.create_task(child.stop())
            group.create_task(child.stop())
        await child.stop()
        child.kill()
    assert await child.wait() == -signal.SIGTERM


async def test_child_that_will_not_stop_is_killed_with_its_group(shell: Callable[[str], Command]) -> None:
    script = f"trap '' TERM; sleep 60 & echo {ANNOUNCED}; wait; sleep 60"
    async with announced(replace(shell(script), stop_within=0.2)) as child:
        family = processes.family(child.pid)
        assert len(family) > 1
    assert await child.wait() == -signal.SIGKILL
    await eventually(lambda: not any(map(processes.alive, family)))


async def test_cancelled_stop_still_ends_the_child(shell: Callable[[str], Command]) -> None:
    async with announced(shell(f"trap '' TERM; echo {ANNOUNCED}; while :; do sleep 60; done")) as child:
        async with asyncio.TaskGroup() as group:
            stopping = group.create_task(child.stop())
            await asyncio.sleep(0)
            stopping.cancel()
        assert not child.running


async def test_child_has_its_own_session_so_that_the_terminal_reaches_us_first(
    shell: Callable[[str], Command],
) -> None:
    async with Child(shell("exec sleep 60")) as child:
        assert os.getsid(child.pid) == child.pid != os.getsid(0)


async def test_child_runs_once(shell: Callable[[str], Command]) -> None:
    async with Child(shell("exit 0")) as child:
        with pytest.raises(ChildError, match="already been started"):
            await child.start()


async def test_missing_program_is_named(shell: Callable[[str], Command]) -> None:
    command = replace(shell(""), arguments=("/nowhere/server",))
    with pytest.raises(ChildError, match=r"shell could not be started: .*/nowhere/server"):
        await Child(command).start()


async def test_what_was_not_started_says_so(shell: Callable[[str], Command]) -> None:
    child = Child(shell("exit 0"))
    await child.stop()
    child.kill()
    with pytest.raises(ChildError, match="has not been started"):
        await child.wait()
    with pytest.raises(ChildError, match="has not been started"):
        _ = child.pid


def test_start_from_another_thread_is_refused(shell: Callable[[str], Command]) -> None:
    child = Child(shell("exit 0"))

    async def start_elsewhere() -> None:
        with pytest.raises(ChildError, match="main thread"):
            await asyncio.to_thread(asyncio.run, child.start())

    asyncio.run(start_elsewhere())


async def test_secrets_in_our_environment_do_not_reach_the_child(
    shell: Callable[[str], Command], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BYPUNKT_SECRET", "do not tell")
    async with Child(replace(shell("env"), environment={"GIVEN": "on purpose"})) as child:
        await child.wait()
    assert "GIVEN=on purpose" in child.log_tail()
    assert "do not tell" not in child.log_tail()


async def test_as_root_the_child_runs_as_another_user_in_a_directory_closed_to_it(
    shell: Callable[[str], Command], tmp_path: Path
) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    account = unprivileged_account("nobody")
    async with Child(replace(shell("id -u; id -G"), account=account, directory=inner)) as child:
        await child.wait()
    uid, groups = child.log_tail().splitlines()
    assert int(uid) == (os.geteuid() if account is None else account.uid)
    assert account is None or groups == str(account.gid)


def test_account_is_sought_in_order_and_only_by_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    account = unprivileged_account("no-such-user", "nobody")
    assert account is not None
    assert account.name == "nobody"
    with pytest.raises(AccountError, match="no-such-user"):
        unprivileged_account("no-such-user")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert unprivileged_account("no-such-user") is None


PARENT = """
import asyncio, sys
from pathlib import Path
from services.runtime.accounts import unprivileged_account
from services.runtime.child import Child, Command

async def main():
    command = Command(name="sleep", arguments=("sleep", "60"), log=Path(sys.argv[1]),
                      account=unprivileged_account("nobody"))
    async with Child(command) as child:
        print(child.pid, file=sys.stderr, flush=True)
        await child.wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_child_ends_with_its_parent(ending: signal.Signals, tmp_path: Path) -> None:
    with processes.python(PARENT, str(tmp_path / "log")) as (parent, [pid]):
        assert processes.alive(pid)
        parent.send_signal(ending)
        await eventually(lambda: not processes.alive(pid))
