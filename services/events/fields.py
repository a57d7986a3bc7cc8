"""What events are made of: every string capped and clean, every number finite and bounded (rule R27)."""

from typing import Annotated, ClassVar, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
)

from services.events import moment, text

# How long the log keeps an event: short = 48 hours, standard = the installation's years, long = until erased.
Retention = Literal["short", "standard", "long"]


class Fact(BaseModel):
    """What happened, as data: strict, frozen, without unknown fields. Every event type is one subclass."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    retention: ClassVar[Retention] = "standard"


def _clean_and_not_empty(value: str) -> str:
    cleaned = text.clean(value)
    if not cleaned:
        raise ValueError("is empty")
    return cleaned


def _moment(value: object) -> object:
    if isinstance(value, str):
        parsed = moment.parse(value)
        if parsed is None:
            raise ValueError("is not an RFC 3339 time with an offset")
        return parsed
    return value


Label = Annotated[str, StringConstraints(max_length=64), AfterValidator(_clean_and_not_empty)]
Sentence = Annotated[str, StringConstraints(max_length=200), AfterValidator(_clean_and_not_empty)]
# A page of the kiosk's site map: `start`, `buss/tider`. No query string can hide in it.
PageId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:[._/-][a-z0-9]+)*$", max_length=128)]
# BCP 47 as far as a kiosk needs it: sv, en, sma, sv-SE, zh-Hant-TW.
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}$", max_length=35)]
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_moment),
    AfterValidator(moment.whole_ms),
    PlainSerializer(moment.write, return_type=str, when_used="json"),
]
Counter = Annotated[int, Field(ge=0, le=2**63 - 1)]  # bytes
Number = Annotated[int, Field(ge=0, le=100_000)]  # clients, views
Uptime = Annotated[int, Field(ge=0, le=3_155_760_000)]  # seconds, up to a hundred years
Interval = Annotated[int, Field(ge=1, le=86_400)]  # seconds
Percent = Annotated[float, Field(ge=0, le=100)]
Load = Annotated[float, Field(ge=0, le=100_000)]
Celsius = Annotated[float, Field(ge=-100, le=250)]
Decibel = Annotated[float, Field(ge=-200, le=100)]  # dBm
Milliseconds = Annotated[float, Field(ge=0, le=600_000)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]
