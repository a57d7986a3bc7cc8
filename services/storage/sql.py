"""Named SQL: each package keeps its statements in its own `queries.sql`."""

import re
from collections.abc import Iterator
from importlib.resources import files

_BLOCK = re.compile(r"^-- name: (?P<name>[a-z_0-9]+)\n-- (?P<purpose>.+)\n", re.MULTILINE)


class Queries:
    """The statements of one `queries.sql`, by name: `queries.silent_devices` is SQL text."""

    def __init__(self, source: str, text: str) -> None:
        self._source = source
        self._statements: dict[str, str] = {}
        blocks = list(_BLOCK.finditer(text))
        for block, following in zip(blocks, [*blocks[1:], None], strict=True):
            name = block["name"]
            if name in self._statements:
                message = f"{source} has two statements named {name}"
                raise ValueError(message)
            self._statements[name] = text[block.end() : following.start() if following else None].strip()

    def __getattr__(self, name: str) -> str:
        try:
            return self._statements[name]
        except KeyError:
            message = f"{self._source} has no statement named {name}"
            raise AttributeError(message) from None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._statements.items())


def load_queries(package: str, name: str = "queries.sql") -> Queries:
    """Read the named statements of a package: blocks of `-- name: x`, `-- one line of purpose`, SQL."""
    return Queries(f"{package}/{name}", files(package).joinpath(name).read_text(encoding="utf-8"))
