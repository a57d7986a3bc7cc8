"""What a backup says of itself: what it was made of, and what it must come to when it is restored."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

FORMAT: Literal["bypunkt-backup-1"] = "bypunkt-backup-1"


class Applied(BaseModel):
    """A migration that the database had."""

    model_config = ConfigDict(frozen=True)

    version: int
    name: str
    checksum: str


class Content(BaseModel):
    """What the database held, read in the snapshot that was dumped."""

    model_config = ConfigDict(frozen=True)

    migrations: Annotated[tuple[Applied, ...], Field(min_length=1)]
    lanes: dict[int, int]
    """The head of each lane: the position of its newest event."""
    tables: dict[str, int]
    """Rows by table; partitions count with their table."""

    @property
    def version(self) -> int:
        """The newest migration."""
        return max(migration.version for migration in self.migrations)


class Manifest(BaseModel):
    """`manifest.json` in the backup; unknown fields are of a later version of this form, and passed over."""

    model_config = ConfigDict(frozen=True)

    format: Literal["bypunkt-backup-1"] = FORMAT
    program: str
    made_at: datetime
    server_major: int
    dumped_by_major: int
    content: Content
    dump_bytes: int
    dump_sha256: str
