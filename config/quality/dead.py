"""Code that nobody calls, as vulture sees it, without what it cannot see.

Fields of models, members of enums and attributes of other people's objects (paho's callbacks, for one) are used
from outside Python: by JSON, by the database, by a library. What is left is code. A name that is alive all
the same stands in pyproject.toml, under `ignore_names`, with the reason.
"""

import sys

from vulture.config import make_config
from vulture.core import Item, Vulture


def main() -> int:
    """Print what is dead; 0 = nothing, 1 = something. Reads its settings from pyproject.toml."""
    settings = make_config([])
    vulture = Vulture(ignore_names=settings["ignore_names"], ignore_decorators=settings["ignore_decorators"])
    vulture.scavenge(settings["paths"], exclude=settings["exclude"])
    dead = [
        item for item in vulture.get_unused_code(min_confidence=settings["min_confidence"]) if is_code(item)
    ]
    for item in dead:
        print(item.get_report())
    return 1 if dead else 0


def is_code(item: Item) -> bool:
    """Whether a finding is code rather than a field: everything but attributes and variables of a class."""
    if item.typ == "attribute":
        return False
    line = item.filename.read_text(encoding="utf-8").splitlines()[item.first_lineno - 1]
    return item.typ != "variable" or not line[:1].isspace()


if __name__ == "__main__":
    sys.exit(main())
