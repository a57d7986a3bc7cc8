"""The spool: what is kept, what goes first when it is full, and what outlives a restart."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.agent.entries import Entry
from gateway.agent.opening import Place, open_spool
from gateway.agent.spool import COMMANDS_KEPT, COMMANDS_KEPT_MS, Bounds, OpenCommand, Spool


def entry(event_type: str = "kiosk.view", number: int = 0, **changed: object) -> Entry:
    told: dict[str, object] = {"type": event_type, "data": f'{{"n":{number}}}', "power_ms": number}
    told |= {"time_ms": 1_790_000_000_000 + number, "guess_ms": None, **changed}
    return Entry(**told)  # type: ignore[arg-type]


@contextmanager
def opened(
    path: Path, *, events: int = 1_000, size: int = 10**7, machine: str = "m1", power_ms: int = 0
) -> Iterator[Spool]:
    place = Place(path=path / "spool.sqlite", bounds=Bounds(events=events, bytes=size), machine=machine)
    spool, _ = open_spool(place, power_ms=power_ms)
    try:
        yield spool
    finally:
        spool.close()


def waiting(spool: Spool) -> list[tuple[str, int]]:
    """Return type and seq of all that waits, in the order of sending."""
    return [(row.type, row.seq) for row in spool.next(10_000, under_way=[], settled_only=False)]


def test_what_is_kept_is_on_disk_with_full_synchronisation(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        assert spool._db.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert spool._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        kept = spool.keep([entry(number=1), entry(number=2)])
    with opened(tmp_path) as spool:
        assert [row.id for row in spool.next(9, under_way=[], settled_only=False)] == kept
        assert (spool.events, spool.bytes) == (2, 2 * entry(number=1).size)


def test_a_restart_of_the_program_goes_on_counting_and_one_of_the_machine_begins_a_new_boot(
    tmp_path: Path,
) -> None:
    with opened(tmp_path, power_ms=1_000) as spool:
        first = spool.present
        spool.keep([entry()])
    with opened(tmp_path, power_ms=5_000) as spool:
        assert (spool.present.boot, spool.present.number) == (first.boot, 1)
        assert spool.present.lived_ms == first.lived_ms + 4_000
        spool.keep([entry()])
    with opened(tmp_path, machine="m2", power_ms=300) as spool:
        assert spool.present.boot != first.boot
        assert spool.present.lived_ms == first.lived_ms + 4_000
        spool.keep([entry()])
        assert [row.seq for row in spool.next(9, under_way=[], settled_only=False)] == [1, 2, 1]
    with opened(tmp_path, machine="", power_ms=400) as spool:  # a kernel that does not say
        assert spool.keep([entry()]) == [f"{spool.present.boot}-1"]


def test_the_oldest_of_what_is_worth_least_goes_first(tmp_path: Path) -> None:
    order = [
        "command.result", "device.status", "kiosk.session", "device.heartbeat",
        "kiosk.view", "vehicle.position", "wifi.usage", "kiosk.health",
    ]  # fmt: skip
    with opened(tmp_path, events=16) as spool:
        spool.keep([entry(name, number) for number, name in enumerate(order * 2)])
        gone: list[str] = []
        while spool.events and len(gone) < 16:
            before = waiting(spool)
            spool.keep([entry("command.result")])
            (lost,) = set(before) - set(waiting(spool))
            gone.append(lost[0])
        assert gone == [
            *("wifi.usage", "kiosk.health") * 2,
            *("kiosk.view", "vehicle.position") * 2,
            *["device.heartbeat"] * 2,
            *["kiosk.session"] * 2,
            *["device.status"] * 2,
            *["command.result"] * 2,
        ]
        assert spool.present.evicted == 16
        assert spool.events == 16


def test_what_is_worth_less_than_all_that_is_here_is_not_taken_and_leaves_a_gap(tmp_path: Path) -> None:
    with opened(tmp_path, events=2) as spool:
        spool.keep([entry("device.status"), entry("device.status")])
        assert spool.keep([entry("kiosk.view")]) == [None]
        assert spool.keep([entry("device.status")]) != [None]
        assert [seq for _, seq in waiting(spool)] == [2, 4]
        assert spool.present.evicted == 2


def test_bytes_are_bounded_too(tmp_path: Path) -> None:
    with opened(tmp_path, size=10 * entry().size) as spool:
        for number in range(40):
            spool.keep([entry(number=number % 10)])
        assert spool.bytes <= 10 * entry().size
        assert [seq for _, seq in waiting(spool)] == list(range(31, 41))
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 300_000


def test_what_was_missed_takes_up_numbers(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        spool.keep([entry()])
        spool.keep([entry()], missed=3)
        assert [seq for _, seq in waiting(spool)] == [1, 5]
        assert spool.present.missed == 3


def test_urgent_events_are_sent_first_and_what_is_under_way_is_left_out(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        spool.keep([entry(), entry(), entry("device.status", urgent=True), entry(time_ms=None)])
        assert [seq for _, seq in waiting(spool)] == [3, 1, 2, 4]
        first, second, *_ = spool.next(9, under_way=[], settled_only=False)
        left = spool.next(1, under_way=[first.number, second.number], settled_only=False)
        assert [row.seq for row in left] == [2]
        assert [row.seq for row in spool.next(9, under_way=[], settled_only=True)] == [3, 1, 2]
        assert [row.seq for row in spool.again([second.number, 999])] == [1]


def test_a_time_is_decided_once(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        spool.keep([entry(time_ms=None), entry(time_ms=None)])
        one, two = spool.next(9, under_way=[], settled_only=False)
        spool.settle({one.number: 5, two.number: None})
        spool.settle({one.number: 6, two.number: 7})
        assert [(row.time_ms, row.settled) for row in spool.again([one.number, two.number])] == [
            (5, True),
            (None, True),
        ]


def test_receipts_let_go_and_nonsense_does_not(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        one, two = spool.keep([entry(), entry()])
        nonsense = ["", "-", "x", f"{one}x", f"{spool.present.boot}-²", f"{spool.present.boot}-{10**30}"]
        assert spool.release([*nonsense, str(one), str(one)]) == [one]
        assert spool.number_of(str(two)) == 2
        assert (spool.events, spool.bytes) == (1, entry().size)


def test_what_is_too_old_goes_by_the_clock_or_by_the_time_that_the_device_was_on(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        kept = spool.keep(
            [
                entry(power_ms=1, time_ms=None),
                entry(power_ms=10, time_ms=100),
                entry(power_ms=10, time_ms=500),
            ]
        )
        gone = spool.live(20, newest_ms=600, expire=(5, 200))
        assert gone == [(kept[0], "kiosk.view"), (kept[1], "kiosk.view")]
        assert (spool.events, spool.present.expired, spool.present.newest_ms) == (
            1,
            2,
            600,
        )
        assert spool.oldest_lived_ms() == 10
    with opened(tmp_path, power_ms=20) as spool:
        assert spool.present.lived_ms == 20


def test_a_command_is_written_down_once_and_ends_once(tmp_path: Path) -> None:
    command = OpenCommand("c-1", "device.ping", restarts=False, machine="m1")
    with opened(tmp_path) as spool:
        assert spool.begin_command(command, state="accepted", answer=entry("command.result"))
        assert not spool.begin_command(command, state="accepted", answer=entry("command.result"))
        assert spool.events == 1
    with opened(tmp_path) as spool:
        assert spool.open_commands() == [command]
        assert spool.finish_command("c-1", state="done", answer=entry("command.result"))
        assert not spool.finish_command("c-1", state="failed", answer=entry("command.result"))
        assert not spool.begin_command(command, state="accepted", answer=entry("command.result"))
        assert (spool.open_commands(), spool.events) == ([], 2)


def test_old_commands_are_forgotten_but_never_the_newest_or_the_open(tmp_path: Path) -> None:
    with opened(tmp_path, events=5_000) as spool:
        for number in range(COMMANDS_KEPT + 10):
            command = OpenCommand(f"c-{number}", "x.y", restarts=False, machine="m1")
            state = "accepted" if number == 0 else "refused"
            spool.begin_command(command, state=state, answer=entry("command.result", number))
        later = COMMANDS_KEPT_MS + COMMANDS_KEPT + 11
        spool.live(later, newest_ms=0, expire=(0, 0))
        found = {row[0] for row in spool._db.execute("SELECT id FROM command")}
        assert len(found) == COMMANDS_KEPT + 1
        assert {"c-0", f"c-{COMMANDS_KEPT + 9}"} < found


def test_what_fails_leaves_the_spool_as_it_was(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        spool.keep([entry()])
        before = spool.present, spool.events, spool.bytes
        pages = spool._db.execute("PRAGMA page_count").fetchone()[0]
        spool._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            spool.keep([entry(data='{"n":"' + "x" * 9_000 + '"}', number=1)])
        assert (spool.present, spool.events, spool.bytes) == before
        spool._db.execute(f"PRAGMA max_page_count = {pages + 100}")
        spool.keep([entry()])
        assert [seq for _, seq in waiting(spool)] == [1, 2]
