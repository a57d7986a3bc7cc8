"""The spool: a SQLite file that holds every event until its receipt. Synchronous, for one thread (docs/decisions/0014).

An event is kept when `keep` has returned, because the commit then is on disk (WAL, `synchronous=FULL`). The spool is
bounded in events and bytes; when it is full the oldest of what is worth least goes (`entries`), or the new event is
not taken if it is itself worth least. Every event gets a `seq`, kept or not, so that the server sees what is missing.
"""

import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Self

from gateway.agent.entries import Entry, Row, event_id
from services.storage.sql import load_queries

SQL = load_queries("gateway.agent")
VERSION = 1
COMMANDS_KEPT = 1_000
COMMANDS_KEPT_MS = 30 * 24 * 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The most that a spool holds."""

    events: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What outlives a restart: names, counters, and how long the device has lived (milliseconds).

    `number` is the last one given; `power_ms` is the time since power-up at which `lived_ms` was right.
    """

    machine: str = ""
    boot: str = ""
    number: int = 0
    lived_ms: int = 0
    power_ms: int = 0
    newest_ms: int = 0
    evicted: int = 0
    missed: int = 0
    expired: int = 0


@dataclass(frozen=True, slots=True)
class OpenCommand:
    """A command that was begun; `machine` is the start of the machine at which it was."""

    id: str
    name: str
    restarts: bool
    machine: str


class Spool:
    """An open spool. Whatever fails leaves it as it was."""

    def __init__(
        self, connection: sqlite3.Connection, bounds: Bounds, *, machine: str, power_ms: int
    ) -> None:
        self._db = connection
        self._bounds = bounds
        row = connection.execute(SQL.present).fetchone()
        known = Present(**dict(row)) if row else None
        self.present = _present(known, machine=machine, power_ms=power_ms)
        self.events, self.bytes = connection.execute(SQL.extent).fetchone()
        self._before: dict[str, int] = dict(connection.execute(SQL.boots).fetchall())
        with self._writing():
            if self.present.boot not in self._before:
                self._before[self.present.boot] = self.present.number
                given = {"name": self.present.boot, "before": self.present.number}
                connection.execute(SQL.begin_boot, given)
                connection.execute(SQL.forget_boots, {"boot": self.present.boot})

    @property
    def lived_offset_ms(self) -> int:
        """What to add to the time since power-up to have the time that the device has lived."""
        return self.present.lived_ms - self.present.power_ms

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def keep(self, entries: Sequence[Entry], *, missed: int = 0) -> list[str | None]:
        """Keep events in one commit; return their ids, None for one that is worth less than all that is here.

        `missed` events could not be kept before: they take up numbers, so that their loss is seen.
        """
        with self._writing():
            now = self.present
            self.present = replace(now, number=now.number + missed, missed=now.missed + missed)
            return [self._keep(entry) for entry in entries]

    def next(self, room: int, *, under_way: Iterable[int], settled_only: bool) -> list[Row]:
        """Return what to send next."""
        given = {"room": room, "under_way": json.dumps(list(under_way)), "settled_only": settled_only}
        urgent = [_row(found) for found in self._db.execute(SQL.next_urgent, given)]
        given["room"] = room - len(urgent)
        return urgent + [_row(found) for found in self._db.execute(SQL.next, given)]

    def again(self, numbers: Iterable[int]) -> list[Row]:
        """Return these events, as far as they are still here."""
        return [_row(found) for found in self._db.execute(SQL.again, {"numbers": json.dumps(list(numbers))})]

    def settle(self, times: Mapping[int, int | None]) -> None:
        """Decide the times of events, before they are sent."""
        with self._writing():
            for number, time_ms in times.items():
                self._db.execute(SQL.settle, {"number": number, "time_ms": time_ms})

    def release(self, ids: Iterable[str]) -> list[str]:
        """Let go of what is receipted; return the ids that were here."""
        gone = []
        with self._writing():
            for name in ids:
                if (number := self.number_of(name)) is not None:
                    given = {"number": number, "boot": name.rpartition("-")[0]}
                    rows = self._db.execute(SQL.release, given).fetchall()
                    self._count_off(rows)
                    gone += [name] * len(rows)
        return gone

    def number_of(self, name: str) -> int | None:
        """Return the number that an event of this id has or had here; None if there was none."""
        boot, _, seq = name.rpartition("-")
        before = self._before.get(boot)
        if before is None or not (seq.isascii() and seq.isdigit() and len(seq) < 19):
            return None
        return before + int(seq)

    def live(self, lived_ms: int, *, newest_ms: int, expire: tuple[int, int]) -> list[tuple[str, str]]:
        """Note how long the device has lived, and let go of what is too old: (before by life, before by clock).

        Returns (id, type) of what went.
        """
        with self._writing():
            by_life, by_clock = expire
            gone = self._db.execute(
                SQL.expire, {"lived_before_ms": by_life, "time_before_ms": by_clock}
            ).fetchall()
            self._count_off(gone)
            self._db.execute(
                SQL.forget_commands,
                {"lived_before_ms": lived_ms - COMMANDS_KEPT_MS, "kept": COMMANDS_KEPT},
            )
            now = self.present
            self.present = replace(
                now,
                lived_ms=lived_ms,
                power_ms=now.power_ms + lived_ms - now.lived_ms,
                newest_ms=max(newest_ms, now.newest_ms),
                expired=now.expired + len(gone),
            )
        return [(event_id(row["boot"], row["seq"]), row["type"]) for row in gone]

    def oldest_lived_ms(self) -> int | None:
        """When, in the life of the device, the oldest event here happened."""
        found: int | None = self._db.execute(SQL.oldest).fetchone()[0]
        return found

    def begin_command(self, command: OpenCommand, *, state: str, answer: Entry) -> bool:
        """Write a command down with its first answer, in one commit; false when it was known already."""
        given = {**asdict(command), "state": state, "lived_ms": self._lived_ms(answer)}
        with self._writing():
            if self._db.execute(SQL.note_command, given).fetchone() is None:
                return False
            self._keep(answer)
            return True

    def finish_command(self, command_id: str, *, state: str, answer: Entry) -> bool:
        """Write down a command's final answer, in one commit; false when it has one."""
        with self._writing():
            if self._db.execute(SQL.finish_command, {"id": command_id, "state": state}).fetchone() is None:
                return False
            self._keep(answer)
            return True

    def open_commands(self) -> list[OpenCommand]:
        """Return the commands that were begun and have no end, oldest first."""
        return [
            OpenCommand(row["id"], row["name"], bool(row["restarts"]), row["machine"])
            for row in self._db.execute(SQL.open_commands)
        ]

    def _keep(self, entry: Entry) -> str | None:
        now = self.present
        number, seq = now.number + 1, now.number + 1 - self._before[now.boot]
        self.present = replace(now, number=number, newest_ms=max(now.newest_ms, entry.time_ms or 0))
        decided = {"worth": entry.worth, "size": entry.size, "settled": entry.time_ms is not None}
        given = {"number": number, "boot": now.boot, "seq": seq, "lived_ms": self._lived_ms(entry), **decided}
        given |= asdict(entry)
        self._db.execute(SQL.add, given)
        self.events, self.bytes = self.events + 1, self.bytes + entry.size
        while self.events > self._bounds.events or self.bytes > self._bounds.bytes:
            evicted = self._db.execute(SQL.evict, {"worth": entry.worth}).fetchall()
            self._count_off(evicted)
            self.present = replace(self.present, evicted=self.present.evicted + 1)
            if evicted[0]["number"] == number:
                return None
        return event_id(now.boot, seq)

    def _lived_ms(self, entry: Entry) -> int:
        return entry.power_ms + self.lived_offset_ms

    def _count_off(self, rows: Iterable[sqlite3.Row]) -> None:
        for row in rows:
            self.events, self.bytes = self.events - 1, self.bytes - row["size"]

    @contextmanager
    def _writing(self) -> Iterator[Self]:
        """One transaction; the figures in memory are those of the last commit."""
        before = self.present, self.events, self.bytes
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield self
            self._db.execute(SQL.remember, asdict(self.present))
            self._db.execute("COMMIT")
        except BaseException:
            self.present, self.events, self.bytes = before
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


def _present(known: Present | None, *, machine: str, power_ms: int) -> Present:
    """Go on where the machine was, or begin a new boot if it has been started since.

    A new name is a random one: the kernel's would come again with a spool that was lost, and with it old ids.
    """
    if known is not None and machine and known.machine == machine and power_ms >= known.power_ms:
        return replace(known, lived_ms=known.lived_ms + power_ms - known.power_ms, power_ms=power_ms)
    return replace(known or Present(), machine=machine, boot=secrets.token_hex(4), power_ms=power_ms)


def _row(found: sqlite3.Row) -> Row:
    row = dict(found)
    return Row(**{**row, "urgent": bool(row["urgent"]), "settled": bool(row["settled"])})
