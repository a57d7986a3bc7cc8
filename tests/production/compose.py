"""docker-compose.yml, read as strictly as can be: what is not modelled here is refused."""

import re
from collections.abc import Hashable, Mapping
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import override

from tests.support.processes import ROOT

FILE = ROOT / "docker-compose.yml"
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?:(?P<how>:-|:\?)(?P<text>[^}]*))?\}")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Dependency(_Model):
    condition: Literal["service_started", "service_healthy", "service_completed_successfully"]


class Healthcheck(_Model):
    test: list[str] = []
    interval: str = ""
    timeout: str = ""
    start_period: str = ""
    retries: int = 0
    disable: bool = False


class Logging(_Model):
    driver: Literal["local"]
    options: dict[str, str]


class Service(_Model):
    """All that a service of ours may say; `privileged`, `pid: host` and the like are not among it."""

    image: str
    build: Literal["."] | None = None
    command: list[str] = []
    user: str | None = None
    init: bool = False
    working_dir: str | None = None
    environment: dict[str, str] = {}
    volumes: list[str] = []
    networks: list[str] = []
    network_mode: Literal["none"] | None = None
    ports: list[str] = []
    depends_on: dict[str, Dependency] = {}
    restart: Literal["no", "unless-stopped"]
    profiles: list[str] = []
    healthcheck: Healthcheck | None = None
    read_only: bool = False
    tmpfs: list[str] = []
    cap_drop: list[str] = []
    cap_add: list[str] = []
    security_opt: list[str] = []
    shm_size: str | None = None
    mem_limit: str | None = None
    stop_grace_period: str | None = None
    stop_signal: str | None = None
    logging: Logging

    @property
    def lives(self) -> bool:
        """Whether it goes on, rather than doing one thing and ending."""
        return self.restart == "unless-stopped"

    @property
    def mounts(self) -> dict[str, tuple[str, bool]]:
        """Where something is mounted: what, and whether it can be written to."""
        parts = (volume.split(":") for volume in self.volumes)
        return {target: (source, mode != ["ro"]) for source, target, *mode in parts}


class Network(_Model):
    internal: bool = False


class Compose(_Model):
    name: str
    services: dict[str, Service]
    networks: dict[str, Network]
    volumes: dict[str, None]
    x_bypunkt: Any = Field(alias="x-bypunkt")
    x_settings: Any = Field(alias="x-settings")


class _Loader(yaml.SafeLoader):
    """YAML in which a key stands once."""

    @override
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        written = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        assert len(written) == len(set(written)), written
        return super().construct_mapping(node, deep=deep)


def compose(variables: Mapping[str, str]) -> Compose:
    """Read the file as Compose does, with these variables from `.env`; raises KeyError for one that is needed."""
    document = yaml.load(FILE.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader, and stricter
    document = _filled_in(document, variables)
    # What is not said about a network is said as nothing.
    document["networks"] = {name: said or {} for name, said in document["networks"].items()}
    return Compose.model_validate(document)


def variables() -> set[str]:
    """Every variable that the file asks for."""
    return {match["name"] for match in _VARIABLE.finditer(FILE.read_text(encoding="utf-8"))}


def _filled_in(part: Any, given: Mapping[str, str]) -> Any:  # noqa: ANN401 - whatever YAML can hold
    """Put the variables into every text; what comes out stays text."""
    if isinstance(part, dict):
        return {name: _filled_in(value, given) for name, value in part.items()}
    if isinstance(part, list):
        return [_filled_in(value, given) for value in part]
    return _VARIABLE.sub(lambda match: _value(match, given), part) if isinstance(part, str) else part


def _value(match: re.Match[str], given: Mapping[str, str]) -> str:
    if match["how"] == ":-":
        return given.get(match["name"]) or match["text"]
    if match["how"] == ":?" and not given.get(match["name"]):
        raise KeyError(match["text"])
    return given.get(match["name"], "")
