"""The settings of this installation: each part's own options, gathered.

From `BYPUNKT_SECTION__NAME` environment variables first, then the TOML file that `BYPUNKT_CONFIG` names
(`/etc/bypunkt/bypunkt.toml` when it names none), then the defaults. docs/settings.md lists them all.
"""

import os
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)
from typing_extensions import override

from config.metrics import MetricsOptions
from dashboard.options import WebOptions
from gateway.options import MqttOptions
from services.log.options import RetentionOptions
from services.reports.options import ReportOptions
from services.storage.options import DatabaseOptions

DEFAULT_FILE = Path("/etc/bypunkt/bypunkt.toml")


class SettingsRefused(Exception):
    """The settings cannot be used; each line says which one, why, and where it came from."""


class LogOptions(BaseModel):
    """How the program writes its log."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level written."
    )
    format: Literal["auto", "console", "json"] = Field(
        default="auto", description="`auto` is readable on a terminal and JSON elsewhere."
    )


class Settings(BaseSettings):
    """All settings, checked and frozen."""

    model_config = SettingsConfigDict(
        env_prefix="BYPUNKT_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    database: DatabaseOptions = DatabaseOptions()
    mqtt: MqttOptions = MqttOptions()
    web: WebOptions = WebOptions()
    metrics: MetricsOptions = MetricsOptions()
    retention: RetentionOptions = RetentionOptions()
    reports: ReportOptions = ReportOptions()
    log: LogOptions = LogOptions()

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: arguments, environment, file."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=settings_file())


def settings_file() -> Path:
    """Return the TOML file that settings are read from, whether or not it exists."""
    return Path(os.environ.get("BYPUNKT_CONFIG") or DEFAULT_FILE)


def load(**given: Any) -> Settings:  # noqa: ANN401 - sections as pydantic takes them
    """Read the settings; raises `SettingsRefused` with one line a mistake."""
    named = os.environ.get("BYPUNKT_CONFIG")
    if named and not Path(named).is_file():
        message = f"BYPUNKT_CONFIG names {named}, which is no file"
        raise SettingsRefused(message)
    if unknown := _unknown_names():
        raise SettingsRefused("\n".join(unknown))
    _refuse_broken_file(settings_file())
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = (f"{_name(problem['loc'])}: {problem['msg']}" for problem in error.errors())
        raise SettingsRefused("\n".join(problems)) from None
    except (SettingsError, ValueError) as error:
        raise SettingsRefused(str(error).splitlines()[0]) from None


def setting_names() -> list[str]:
    """Return the environment variables that are settings."""
    return [
        f"BYPUNKT_{section.upper()}__{name.upper()}"
        for section, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        for name in field.annotation.model_fields
    ]


def _unknown_names() -> list[str]:
    known = {*setting_names(), "BYPUNKT_CONFIG"}
    # Only names of our shape: container platforms put BYPUNKT_SERVICE_HOST and the like beside them.
    ours = (name for name in os.environ if name.startswith("BYPUNKT_") and "__" in name)
    given = sorted(name for name in ours if name.upper() not in known)
    return [f"there is no setting {name}{_perhaps(name, known)}" for name in given]


def _perhaps(name: str, known: set[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else " (docs/settings.md lists them all)"


def _refuse_broken_file(file: Path) -> None:
    try:
        tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except OSError as error:
        raise SettingsRefused(f"{file} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsRefused(f"{file} is not valid TOML: {error}") from None


def effective(settings: Settings) -> dict[str, str]:
    """Return every setting by its environment variable's name, secrets masked."""
    return {
        f"BYPUNKT_{section.upper()}__{name.upper()}": "•••" if isinstance(value, SecretStr) else str(value)
        for section, options in settings
        for name, value in options
    }


def _name(location: tuple[int | str, ...]) -> str:
    return "BYPUNKT_" + "__".join(str(part).upper() for part in location)
