"""What reports can be told (settings section `reports`)."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

Address = Annotated[str, Field(pattern=r"^[^\s@<>,;\"]+@[^\s@<>,;\"]+$", max_length=254)]


class ReportOptions(BaseModel):
    """When reports are made, and to whom they are mailed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after_days: Annotated[int, Field(ge=0, le=60)] = Field(
        default=3, description="Days after the end of a period until its reports are made."
    )
    language: Literal["sv", "en"] = Field(default="sv", description="The language of what is mailed.")
    recipients: dict[Annotated[str, Field(pattern=r"^\d{4}$")], list[Address]] = Field(
        default_factory=dict, description="By municipality: whom its reports are mailed to."
    )
    smtp_host: str | None = Field(default=None, description="The mail server; without one nothing is mailed.")
    smtp_port: Annotated[int, Field(ge=1, le=65_535)] = Field(default=587, description="Its port.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is kept private; `none` only on this machine."
    )
    smtp_username: str | None = Field(default=None, description="The account at the mail server, if it asks.")
    smtp_password: SecretStr | None = Field(default=None, description="Its password.")
    smtp_password_file: Path | None = Field(default=None, description="A file that holds it instead.")
    sender: Address | None = Field(default=None, description="The address that reports are mailed from.")

    @model_validator(mode="after")
    def _sender_is_named(self) -> Self:
        if self.smtp_host is not None and self.sender is None:
            raise ValueError("smtp_host is set and sender is not: name the address that reports come from")
        return self

    def password(self) -> str | None:
        """Return the password, out of its file when one is named."""
        if self.smtp_password_file is not None:
            return self.smtp_password_file.read_text(encoding="utf-8").strip()
        return None if self.smtp_password is None else self.smtp_password.get_secret_value()
