"""What the log can be told (settings section `retention`)."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

# Late events come for 30 days, a counter looks 7 days back from them, a dead letter is replayed for 7.
LEAST_DAYS = 40


class RetentionOptions(BaseModel):
    """How long the log keeps what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    standard_days: Annotated[int, Field(ge=LEAST_DAYS, le=36_500)] = Field(
        default=760, description="Days that the log keeps events; 760 are 25 months."
    )
    dead_letter_days: Annotated[int, Field(ge=1, le=7)] = Field(
        default=7, description="Days that refused events are kept."
    )
    archive_to: Path | None = Field(
        default=None, description="A directory to which events are archived before the log lets go of them."
    )
