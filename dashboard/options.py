"""What an installation may set about its web face."""

from pydantic import BaseModel, ConfigDict, Field


class WebOptions(BaseModel):
    """Where the web face listens, and its limits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    public_url: str | None = Field(default=None, pattern=r"^https?://[^/?#\s]+$")
    """The address that people use, when a proxy stands in front: with https, cookies are for https alone."""
    session_hours: float = Field(default=12, gt=0, le=24 * 7)
    staff_streams: int = Field(default=500, ge=1)
    """Open live streams of signed-in people in one process; the next one is asked to come back later."""
    public_streams: int = Field(default=2000, ge=1)
    stop_seconds: float = Field(default=5, gt=0)
    """How long answers under way may take when the program stops."""

    @property
    def https(self) -> bool:
        """Whether people come by https, so that cookies can be kept to it."""
        return (self.public_url or "").startswith("https://")
