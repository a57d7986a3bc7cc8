"""Where a vehicle is while it serves its route; between trips it says nothing, since its driver has a home too."""

from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import AfterValidator, Field

from services.events.fields import Fact, Moment, Retention


def _to_a_decimetre(degrees: float) -> float:
    return round(degrees, 6)


# Sweden's box, with some sea: what lies outside is a receiver that has lost its way, or somebody else's vehicle.
Latitude = Annotated[float, Field(ge=55.0, le=69.2), AfterValidator(_to_a_decimetre)]
Longitude = Annotated[float, Field(ge=10.5, le=24.3), AfterValidator(_to_a_decimetre)]
Accuracy = Annotated[float, Field(ge=0, le=100_000)]  # metres
Speed = Annotated[float, Field(ge=0, le=300)]  # km/h
Heading = Annotated[float, Field(ge=0, lt=360)]  # degrees from north, clockwise


class VehiclePosition(Fact):
    """A fix of the vehicle's receiver. `fix_at` is the satellites' time, right even when the device's clock is not."""

    # Readings keep what they make of a track, a stop served for example, and the track itself goes.
    retention: ClassVar[Retention] = "short"

    type: Literal["vehicle.position"] = "vehicle.position"
    lat: Latitude
    lon: Longitude
    acc_m: Accuracy
    fix_at: Moment
    speed_kmh: Speed | None = None
    heading_deg: Heading | None = None


VehicleEvent: TypeAlias = VehiclePosition
