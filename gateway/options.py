"""What the gateway can be told (settings section `mqtt`)."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

Port = Annotated[int, Field(ge=1, le=65_535)]


class MqttOptions(BaseModel):
    """How to reach the broker, and how much to have in hand at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", description="The broker's name or address.")
    port: Port = Field(default=1883, description="The broker's port; 8883 is usual with TLS.")
    username: str | None = Field(
        default=None,
        description="Account of the gateway's lanes; `{lane}` in it becomes the lane's number, one account a lane.",
    )
    password: SecretStr | None = Field(default=None, description="The account's password.")
    password_file: Path | None = Field(default=None, description="A file that holds the password instead.")
    rights_username: str | None = Field(
        default=None,
        description="Account that keeps the broker's accounts and rights equal to the registry (Mosquitto's dynamic "
        "security); without one nobody does.",
    )
    rights_password: SecretStr | None = Field(default=None, description="That account's password.")
    rights_password_file: Path | None = Field(
        default=None, description="A file that holds that password instead."
    )
    tls_ca: Path | None = Field(
        default=None, description="Certificate authority file; given, the connection uses TLS."
    )
    protocol: Literal["auto", "5", "3.1.1"] = Field(
        default="auto",
        description="MQTT version; `auto` asks for 5 and takes 3.1.1 where the broker has no 5.",
    )
    client_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,40}$")] = Field(
        default="bypunkt-lane-", description="The client id of a lane is this and its number."
    )
    keepalive_s: Annotated[int, Field(ge=5, le=600)] = Field(
        default=30, description="MQTT keep alive, seconds."
    )
    window: Annotated[int, Field(ge=10, le=10_000)] = Field(
        default=500,
        description="Messages in hand a lane that are not acknowledged yet; the broker keeps the others.",
    )
    linger_ms: Annotated[int, Field(ge=0, le=1_000)] = Field(
        default=15,
        description="Under load, the least time between two batches of a lane, milliseconds; one event alone is not "
        "kept waiting.",
    )
    strays: bool = Field(
        default=False,
        description="Keep as dead letters what is published below municipalities that are not registered; only for "
        "brokers without rights a device, since every message is then delivered twice.",
    )
    states: bool = Field(
        default=True,
        description="Publish the state of each device as we see it, retained, below its `down/state`.",
    )
    canary_s: Annotated[float, Field(ge=0.2, le=10)] = Field(
        default=5.0, description="Seconds between canary messages, which prove that a lane can see."
    )

    def secret(self) -> str | None:
        """Return the lanes' password, from the file if one is named; raises OSError when it cannot be read."""
        return _secret(self.password, self.password_file)

    def rights_secret(self) -> str | None:
        """Return the password of the account that keeps the rights; raises OSError when it cannot be read."""
        return _secret(self.rights_password, self.rights_password_file)


def _secret(value: SecretStr | None, file: Path | None) -> str | None:
    if file is not None:
        return file.read_text(encoding="utf-8").strip()
    return value.get_secret_value() if value else None
