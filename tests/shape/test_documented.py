"""What others rely on stands in README.md or docs/: settings, event types, commands and endpoints."""

import re
from collections.abc import Iterable, Iterator

import pydantic
import typer.main
from typer.core import TyperGroup

from config.cli import app
from config.settings import Settings
from dashboard.pages import PAGES
from services import events
from tests.shape import repository


def test_every_event_type_is_documented() -> None:
    assert missing(f"`{name}`" for name in events.EVENT_TYPES) == []


def test_every_command_is_documented() -> None:
    assert missing(f"bypunkt {name}" for name in commands(typer.main.get_command(app))) == []


def test_every_setting_is_documented() -> None:
    assert missing(f"BYPUNKT_{name}" for name in settings(Settings)) == []


def test_every_endpoint_is_documented() -> None:
    docs = repository.docs()
    paths = {route.path for routes in PAGES for route in routes}
    assert sorted(path for path in paths if not re.search(rf"[`\s]{re.escape(path)}[`\s?]", docs)) == []


def missing(names: Iterable[str]) -> list[str]:
    """The names that no page of the documentation mentions."""
    docs = repository.docs()
    return sorted(name for name in names if name not in docs)


def commands(command: object, prefix: str = "") -> Iterator[str]:
    """The commands that a person can type, groups with their parts: `device add`."""
    if not isinstance(command, TyperGroup):
        yield prefix
        return
    for name, part in command.commands.items():
        if not part.hidden:
            yield from commands(part, f"{prefix} {name}".strip())


def settings(model: type[pydantic.BaseModel], prefix: str = "") -> Iterator[str]:
    """The names of all settings as in the environment: SECTION__NAME."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, pydantic.BaseModel):
            yield from settings(kind, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}"
