"""What storage can be told (settings section `database`)."""

from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class DatabaseOptions(BaseModel):
    """How to reach PostgreSQL."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: SecretStr | None = Field(
        default=None,
        description="postgresql:// address with the run-time login, which has no rights of its own.",
    )
    url_file: Path | None = Field(default=None, description="A file that holds the address instead.")
    admin_url: SecretStr | None = Field(
        default=None,
        description="Address with a login that may create roles, for `bypunkt migrate`, `backup` and `restore`.",
    )
    admin_url_file: Path | None = Field(default=None, description="A file that holds that address instead.")
    app_login: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")] = Field(
        default="bypunkt_app", description="The run-time login that `bypunkt migrate` prepares."
    )
    connections: Annotated[int, Field(ge=2, le=200)] = Field(
        default=12, description="Most connections that one process opens."
    )
    lanes: Annotated[int, Field(ge=1, le=1024)] = Field(
        default=16,
        description="Lanes of the log; counts only when the database is made, and never changes after.",
    )

    def address(self) -> str | None:
        """Return the run-time address, from the file if one is named; raises OSError when it cannot be read."""
        return _secret(self.url, self.url_file)

    def app_password(self) -> str | None:
        """Return the password that the run-time address gives `app_login`, if it gives one; raises OSError."""
        address = urlsplit(self.address() or "")
        if address.username is None or unquote(address.username) != self.app_login:
            return None
        return unquote(address.password) if address.password else None

    def admin_address(self) -> str | None:
        """Return the address for migrations, from the file if one is named; raises OSError."""
        return _secret(self.admin_url, self.admin_url_file)


def _secret(value: SecretStr | None, file: Path | None) -> str | None:
    if file is not None:
        return file.read_text(encoding="utf-8").strip()
    return value.get_secret_value() if value else None
