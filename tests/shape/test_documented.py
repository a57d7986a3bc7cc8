"""What others rely on stands in README.md or docs/: settings, event types, commands, endpoints and metrics."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pydantic
import typer.main
from prometheus_client import REGISTRY
from typer.core import TyperGroup

from config.cli import app
from config.settings import Settings
from dashboard.pages import PAGES
from services import events
from tests.shape import repository

METRICS = Path("docs/metrics.md")


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


def test_every_metric_is_documented_and_no_other() -> None:
    """All of ours are registered by now: `config.cli` brings every part along."""
    ours = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in REGISTRY.collect()
        if family.name.startswith("bypunkt_")
    }
    tables = "\n".join(re.findall(r"^\| `(bypunkt_\w+)` \|", repository.text(METRICS), re.MULTILINE))
    assert set(tables.split()) == ours


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
