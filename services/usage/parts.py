"""The tables that are counted straight from the log: how each is counted anew, and compared with it."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from services.storage.database import Connection
from services.storage.sql import load_queries

queries = load_queries(__package__)
happenings = load_queries(__package__, "happenings.sql")

AT_A_TIME = 500
Rows: TypeAlias = Sequence[Any]
Read: TypeAlias = Callable[[Connection, int, int], Awaitable[Rows]]


@dataclass(frozen=True, slots=True)
class Part:
    """A table: its name, how many of its first columns are its key, and its statements.

    `counted` and `kept` return the same rows where the log still has all that they rest on; what is older stays.
    """

    name: str
    key: int
    counted: Read
    kept: Read
    forget: str
    keep: str


async def count_again(connection: Connection, part: Part, lane: int, upto: int) -> None:
    """Make a table's rows again, as far as the log has what they rest on.

    Raises `UniqueViolationError`, with nothing changed, where the log lets go of something meanwhile.
    """
    # Counted before they are forgotten: what is let go of in between is not forgotten, and stands in the way below.
    counted = await part.counted(connection, lane, upto)
    await forget(connection, part.forget, await part.kept(connection, lane, upto), part.key)
    await keep(connection, part.keep, counted)


async def differences(connection: Connection, part: Part, lane: int, upto: int) -> list[str]:
    """Return one line for each row in which the table and the log differ."""
    return compare(
        part.name,
        await part.kept(connection, lane, upto),
        await part.counted(connection, lane, upto),
        key=part.key,
    )


def compare(name: str, kept: Rows, counted: Rows, *, key: int) -> list[str]:
    """Return one line for each key whose rows differ."""
    ours, theirs = ({_key(row, key): tuple(row)[key:] for row in rows} for rows in (kept, counted))
    return [
        f"{name} {' '.join(each)}: table {ours.get(each)}, log {theirs.get(each)}"
        for each in sorted({*ours, *theirs})
        if ours.get(each) != theirs.get(each)
    ]


async def forget(connection: Connection, statement: str, rows: Rows, key: int) -> None:
    """Drop the rows of these keys, the first columns of the rows given."""
    if rows:
        await connection.execute(statement, *columns(rows, *list(rows[0].keys())[:key]))


async def keep(connection: Connection, statement: str, rows: Rows) -> None:
    """Write rows, column by column."""
    if rows:
        await connection.execute(statement, *columns(rows, *rows[0].keys()))


def columns(rows: Rows, *names: str) -> list[list[Any]]:
    """Return rows as columns."""
    return [[row[name] for row in rows] for name in names]


def chunks(rows: Rows, size: int = AT_A_TIME) -> Iterable[Rows]:
    """Return rows some at a time."""
    return (rows[start : start + size] for start in range(0, len(rows), size))


async def _radio_counted(connection: Connection, lane: int, upto: int) -> Rows:
    counted: list[Any] = []
    for some in chunks(await connection.fetch(queries.all_hours, lane, upto)):
        counted += await connection.fetch(
            queries.count_hours, upto, *columns(some, "municipality", "device", "hour")
        )
    return counted


async def _radio_kept(connection: Connection, lane: int, upto: int) -> Rows:
    del lane, upto
    return await connection.fetch(queries.hours_kept)


def _by(statement: str) -> Read:
    async def read(connection: Connection, lane: int, upto: int) -> Rows:
        return await connection.fetch(statement, lane, upto)

    return read


def _key(row: Any, key: int) -> tuple[str, ...]:  # noqa: ANN401 - a row
    return tuple(str(value) for value in tuple(row)[:key])


PARTS = (
    Part("usage", 4, _radio_counted, _radio_kept, queries.forget_radios, queries.keep_hours),
    Part(
        "sessions",
        3,
        _by(happenings.sessions_counted),
        _by(happenings.sessions_kept),
        happenings.forget_sessions,
        happenings.keep_sessions,
    ),
    Part(
        "visitors",
        3,
        _by(happenings.visitors_counted),
        _by(happenings.visitors_kept),
        happenings.forget_visitors,
        happenings.keep_visitors,
    ),
    Part(
        "views",
        5,
        _by(happenings.pages_counted),
        _by(happenings.pages_kept),
        happenings.forget_pages,
        happenings.keep_pages,
    ),
)
