"""The registry as files give it: municipalities, service points, devices (words of the domain: docs/registry.md)."""

import datetime as dt
import re
import unicodedata
from collections import Counter
from decimal import Decimal
from typing import Annotated, Literal, Self

from opening_hours import OpeningHours
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from services.tenants.hours import EXCEPTION
from services.tenants.periods import PeriodKind, period_at

ServiceLevel = Literal["centralort", "serviceort", "servicenod", "servicepunktsort", "by"]
ServiceType = Literal[
    "dagligvaror", "drivmedel", "post_paket", "paketbox", "varubox", "apoteksombud", "systembolagsombud",
    "betaltjanst", "kontanter", "spelombud", "cafe_motesplats", "dator_lan", "utskrift_skanning", "wifi",
    "turistinfo", "kommuninfo", "blanketter", "bibliotek", "hemsandning", "atervinning", "mobilladdning",
    "elbilsladdning", "videomote", "halsorum", "digital_hjalp", "obemannad_butik", "trygghetspunkt", "dricksvatten",
    "toalett", "hjartstartare", "anslagstavla",
]  # fmt: skip
MetricName = Literal[
    "wifi_availability", "wifi_availability_open", "hours_per_week", "basic_services", "visitor_days",
    "wifi_sessions", "wifi_data_gb", "kiosk_sessions", "notice_board_renewed", "activities",
]  # fmt: skip
Comparator = Literal["at_least", "at_most"]
DeviceKind = Literal["hotspot", "kiosk", "tracker", "loan_computer", "locker", "ground_station", "gateway"]
Lifecycle = Literal["registered", "active", "suspended", "retired"]

# Twelve hexadecimal digits in pairs would be somebody's hardware address, which is nobody's name here.
_LOOKS_LIKE_ADDRESS = re.compile(r"^(?:[0-9a-f]{2}-){5}[0-9a-f]{2}$|^[0-9a-f]{12}$|^[0-9]{15}$")


def _no_address(name: str) -> str:
    if _LOOKS_LIKE_ADDRESS.match(name):
        message = "looks like a hardware address or serial number; give the thing a name of its own"
        raise ValueError(message)
    return name


def _valid_hours(expression: str) -> str:
    try:
        OpeningHours(expression)
    except Exception as error:  # noqa: BLE001 - the parser's own exception class is not part of its public names
        message = f"is not an OpenStreetMap opening_hours expression ({str(error).splitlines()[0][:120]})"
        raise ValueError(message) from None
    return expression


def _hours_of_a_day(hours: str) -> str:
    if not EXCEPTION.fullmatch(hours):
        message = "is neither off nor times of a day, as in 10:00-14:00 or 10:00-12:00,13:00-15:00"
        raise ValueError(message)
    return hours


def _day(written: object) -> object:
    if not isinstance(written, str):
        return written  # TOML has dates of its own
    try:
        return dt.date.fromisoformat(written)
    except ValueError:
        message = "is not a date as in 2026-12-24"
        raise ValueError(message) from None


def _exact(number: object) -> object:
    """A number as it is written: 99.9 is 999/10, and not the binary fraction beside it."""
    return (
        Decimal(str(number)) if isinstance(number, int | float) and not isinstance(number, bool) else number
    )


Slug = Annotated[str, Field(pattern=r"^[a-z0-9-]{3,64}$"), AfterValidator(_no_address)]
Code = Annotated[str, Field(pattern=r"^[0-9]{4}$")]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Seat(_Record):
    """Where a municipality has its seat, WGS 84."""

    lat: Latitude
    lon: Longitude


class MunicipalityRecord(_Record):
    """A municipality by its four-digit SCB code."""

    code: Code
    name: Text
    county: Text
    county_code: Annotated[str, Field(pattern=r"^[0-9]{2}$")]
    seat: Seat
    languages: list[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]] = ["sv"]
    in_pilot: bool = False


class HoursException(_Record):
    """A local day on which other hours hold; why, by language."""

    date: Annotated[dt.date, BeforeValidator(_day)]
    opening_hours: Annotated[str, Field(max_length=100), AfterValidator(_hours_of_a_day)]
    reason: dict[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")], Text] = {}


class PointRecord(_Record):
    """A service point: fixed, mobile or digital."""

    id: Slug
    kind: Literal["fixed", "mobile", "digital"]
    municipality: Code
    locality: Text | None = None
    service_level: ServiceLevel | None = None
    name: Annotated[dict[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")], Text], Field(min_length=1)]
    lat: Latitude | None = None
    lon: Longitude | None = None
    coord_verified: bool = False
    opening_hours: Annotated[str, Field(max_length=500), AfterValidator(_valid_hours)] | None = None
    hours_exceptions: list[HoursException] = []
    services: list[ServiceType] = []
    status: Literal["planned", "pilot", "active", "paused", "closed"] = "active"
    synthetic: bool = False

    @property
    def locality_id(self) -> str:
        """The locality's name as a slug: `Södra Ljunga` is `sodra-ljunga`."""
        plain = (
            unicodedata.normalize("NFKD", (self.locality or "").lower()).encode("ascii", "ignore").decode()
        )
        return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")

    @model_validator(mode="after")
    def _has_both_coordinates(self) -> Self:
        if (self.lat is None) != (self.lon is None):
            message = "give both lat and lon, or neither"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _has_one_exception_a_day(self) -> Self:
        times = Counter(exception.date for exception in self.hours_exceptions)
        if twice := sorted(day.isoformat() for day, number in times.items() if number > 1):
            message = f"hours_exceptions name {', '.join(twice)} twice"
            raise ValueError(message)
        return self


class DeviceRecord(_Record):
    """A device; `codec` and `topic_identity` name a foreign route beside the native one."""

    id: Slug
    kind: DeviceKind
    municipality: Code | None = None
    point: Slug | None = None
    codec: Annotated[str, Field(pattern=r"^[a-z0-9_]{2,32}$")] = "native"
    topic_identity: Annotated[str, Field(max_length=200)] | None = None
    expected_interval_s: Annotated[int, Field(ge=1, le=86_400)] = 60
    offline_after_s: Annotated[int, Field(ge=2, le=604_800)] | None = None
    # Not given: active when new, else as it is.
    lifecycle: Lifecycle | None = None
    synthetic: bool = False


# What nobody would promise a most of.
_ONLY_AT_LEAST = frozenset(
    {"wifi_availability", "wifi_availability_open", "hours_per_week", "basic_services"}
)
_HIGHEST = {
    "wifi_availability": 100,
    "wifi_availability_open": 100,
    "hours_per_week": 168,
    "basic_services": 5,
}


class GoalRecord(_Record):
    """A service goal: for a point, or for all points of a municipality, of one kind if that is named.

    `target` is in the metric's unit. It holds for whole periods: `valid_from` is the first day of one, `valid_until`
    the last. `owner` is a role or an organisation, never a person.
    """

    id: Slug
    municipality: Code
    metric: MetricName
    point: Slug | None = None
    point_kind: Literal["fixed", "mobile", "digital"] | None = None
    comparator: Comparator = "at_least"
    target: Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=3), BeforeValidator(_exact)]
    period: PeriodKind
    owner: Text
    visibility: Literal["staff", "public"] = "staff"
    valid_from: Annotated[dt.date, BeforeValidator(_day)]
    valid_until: Annotated[dt.date, BeforeValidator(_day)] | None = None
    synthetic: bool = False

    @model_validator(mode="after")
    def _can_be_promised(self) -> Self:
        if self.point and self.point_kind:
            raise ValueError("give point or point_kind, not both")
        if "@" in self.owner:
            raise ValueError("owner is a role or an organisation in words, not somebody's address")
        if self.comparator == "at_most" and self.metric in _ONLY_AT_LEAST:
            raise ValueError(f"{self.metric} can be promised at_least, not at_most")
        if self.target > _HIGHEST.get(self.metric, self.target):
            raise ValueError(f"target of {self.metric} is at most {_HIGHEST[self.metric]}")
        return self

    @model_validator(mode="after")
    def _holds_for_whole_periods(self) -> Self:
        begins, ends = period_at(self.period, self.valid_from), self.valid_until
        if self.valid_from != begins.first:
            raise ValueError(f"valid_from is to be the first day of a {self.period}, as {begins.first}")
        if ends is not None and (ends < begins.last or ends != period_at(self.period, ends).last):
            last = max(period_at(self.period, ends).last, begins.last)
            raise ValueError(f"valid_until is to be the last day of a {self.period}, as {last}")
        return self


class RegistryFile(_Record):
    """A registry file; `synthetic` marks everything in it as made up for demonstration."""

    note: str = ""
    synthetic: bool = False
    municipalities: list[MunicipalityRecord] = []
    service_points: list[PointRecord] = []
    devices: list[DeviceRecord] = []
    goals: list[GoalRecord] = []

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for kind, names in (
            ("municipality", [record.code for record in self.municipalities]),
            ("service point", [point.id for point in self.service_points]),
            ("device", [device.id for device in self.devices]),
            ("goal", [f"{goal.municipality} {goal.id}" for goal in self.goals]),
        ):
            if twice := sorted(name for name, times in Counter(names).items() if times > 1):
                message = f"{kind} {', '.join(twice)} stands twice in the file"
                raise ValueError(message)
        return self
