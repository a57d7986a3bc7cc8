"""What an agent is told: the configuration file, checked before anything is started (docs/agent.md)."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gateway.agent.failures import AgentRefused
from gateway.mqtt import SessionOptions
from gateway.mqtt.options import Protocol
from gateway.topics import ack_topic, command_topic
from services.events.fields import Label

Port = Annotated[int, Field(ge=1, le=65_535)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Interface = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,15}$")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]+(?:\.[a-z0-9_]+){1,3}$", max_length=64)]
Argument = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]{0,31})\}")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BrokerOptions(_Section):
    """The broker, and who we are to it."""

    host: str
    port: Port | None = Field(default=None, description="8883 with `tls_ca` or `tls`, else 1883.")
    tls: bool = Field(default=False, description="TLS, with the certificate authorities of this machine.")
    tls_ca: Path | None = Field(default=None, description="Certificate authority file; given, TLS is used.")
    user: str | None = Field(default=None, description="Account; the device's id unless given.")
    password_file: Path | None = None
    protocol: Protocol = "auto"
    keepalive_s: Annotated[int, Field(ge=5, le=600)] = 30

    def password(self) -> str | None:
        """Return the password; raises AgentRefused when its file cannot be read."""
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise AgentRefused(f"broker.password_file: {_why(error)}: {self.password_file}") from None


class IntervalOptions(_Section):
    """How often what is measured, seconds."""

    heartbeat_s: Seconds = 60
    usage_s: Seconds = 300
    health_s: Seconds = 300


class SpoolOptions(_Section):
    """Where events are kept until their receipt, and how many at most."""

    path: Path
    events: Annotated[int, Field(ge=100, le=10_000_000)] = 50_000
    bytes: Annotated[int, Field(ge=100_000, le=10_000_000_000)] = 64_000_000


class ClockOptions(_Section):
    """How long events wait for a clock that is not set."""

    wait_s: Annotated[float, Field(ge=0, le=3_600)] = Field(
        default=60, description="From the connection on; then they are sent with the best time there is."
    )


class VitalsOptions(_Section):
    """Which parts of the machine a heartbeat speaks of."""

    disk: Path = Path("/")
    thermal_zone: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,32}$")


class UplinkOptions(_Section):
    """A server on the internet to which a TCP connection shows that it is reached."""

    host: str
    port: Port = 443
    timeout_s: Annotated[float, Field(gt=0, le=30)] = 5


class WifiOptions(_Section):
    """An access point's interface whose clients and bytes are counted."""

    iface: Interface
    ssid: Annotated[Label, Field(max_length=32)] | None = None
    band: Literal["2.4", "5", "6", "60"] | None = None
    sample_s: Seconds = Field(default=30, description="How often clients are counted for `clients_max`.")


class KioskOptions(_Section):
    """Where a kiosk's health is read; what is not named is not measured."""

    backlight: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.:-]{1,64}$")
    power_supply: bool = True
    storage: Path | None = None
    content_version_file: Path | None = None


class EndpointOptions(_Section):
    """The loopback endpoint where a kiosk page leaves its views."""

    port: Annotated[int, Field(ge=0, le=65_535)]
    origins: tuple[Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.-]+(?::\d{1,5})?$")], ...]


class ArgumentOptions(_Section):
    """One argument that a command may carry."""

    pattern: str = Field(description="The whole value has to match this regular expression.")
    default: str | None = None

    @field_validator("pattern")
    @classmethod
    def _is_an_expression(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from None
        return value


class CommandOptions(_Section):
    """A program that a command may start: an argument list, never a shell."""

    program: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        description="The program by its absolute path and its arguments; `{name}` stands for a declared argument."
    )
    args: dict[Argument, ArgumentOptions] = {}
    timeout_s: Annotated[float, Field(gt=0, le=3_600)] = 60
    restarts: bool = Field(
        default=False,
        description="It restarts the machine: the answer is `done` when the next start of the machine is seen.",
    )

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if not self.program[0].startswith("/") or "{" in self.program[0]:
            raise ValueError("program[0] must be an absolute path")
        named = {name for part in self.program for name in PLACEHOLDER.findall(part)}
        if named != self.args.keys():
            raise ValueError("program names in {…} what args declares, no more and no less")
        return self


class AgentOptions(_Section):
    """One agent of one device."""

    municipality: Annotated[str, Field(pattern=r"^[0-9]{4}$")]
    device: Annotated[str, Field(pattern=r"^[a-z0-9-]{3,64}$")]
    kind: Literal["hotspot", "kiosk", "gateway"]
    firmware: Label | None = None
    broker: BrokerOptions
    spool: SpoolOptions
    intervals: IntervalOptions = IntervalOptions()
    clock: ClockOptions = ClockOptions()
    vitals: VitalsOptions = VitalsOptions()
    uplink: UplinkOptions | None = None
    wifi: tuple[WifiOptions, ...] = ()
    kiosk: KioskOptions | None = None
    endpoint: EndpointOptions | None = None
    commands: dict[Name, CommandOptions] = {}

    def session(self) -> SessionOptions:
        """Return how to reach the broker; raises AgentRefused when the password cannot be read."""
        broker = self.broker
        secure = broker.tls or broker.tls_ca is not None
        return SessionOptions(
            host=broker.host,
            port=broker.port or (8883 if secure else 1883),
            client_id=self.device,
            username=broker.user or self.device,
            password=broker.password(),
            tls=broker.tls,
            tls_ca=broker.tls_ca,
            keepalive_s=broker.keepalive_s,
            protocol=broker.protocol,
            subscriptions=(
                ack_topic(self.municipality, self.device),
                command_topic(self.municipality, self.device),
            ),
            durable=False,  # what waits at a broker for a device that was away is told again by the server
            window=50,
        )


def read_options(path: Path) -> AgentOptions:
    """Read a configuration file; raises AgentRefused, which says in one line what is wrong with it."""
    try:
        return AgentOptions.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise AgentRefused(f"{path}: {_why(error)}") from None
    except tomllib.TOMLDecodeError as error:
        raise AgentRefused(f"{path}: is not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise AgentRefused(f"{path}: {where}: {first['msg']}{more}; docs/agent.md has every key") from None


def _why(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or "cannot be read") if isinstance(error, OSError) else "is not UTF-8"
