"""The registry as files give it: municipalities, service points, devices (words of the domain: docs/registry.md)."""

import re
import unicodedata
from collections import Counter
from typing import Annotated, Literal, Self

from opening_hours import OpeningHours
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

ServiceLevel = Literal["centralort", "serviceort", "servicenod", "servicepunktsort", "by"]
ServiceType = Literal[
    "dagligvaror", "drivmedel", "post_paket", "paketbox", "varubox", "apoteksombud", "systembolagsombud",
    "betaltjanst", "kontanter", "spelombud", "cafe_motesplats", "dator_lan", "utskrift_skanning", "wifi",
    "turistinfo", "kommuninfo", "blanketter", "bibliotek", "hemsandning", "atervinning", "mobilladdning",
    "elbilsladdning", "videomote", "halsorum", "digital_hjalp", "obemannad_butik", "trygghetspunkt", "dricksvatten",
    "toalett", "hjartstartare", "anslagstavla",
]  # fmt: skip
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


class RegistryFile(_Record):
    """A registry file; `synthetic` marks everything in it as made up for demonstration."""

    note: str = ""
    synthetic: bool = False
    municipalities: list[MunicipalityRecord] = []
    service_points: list[PointRecord] = []
    devices: list[DeviceRecord] = []

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for kind, names in (
            ("municipality", [record.code for record in self.municipalities]),
            ("service point", [point.id for point in self.service_points]),
            ("device", [device.id for device in self.devices]),
        ):
            if twice := sorted(name for name, times in Counter(names).items() if times > 1):
                message = f"{kind} {', '.join(twice)} stands twice in the file"
                raise ValueError(message)
        return self
