"""The canonical events: facts in the past tense, one frozen class each, in one union discriminated by `type`.

To add an event type: write its class in its family's file and name it in the union at the end of that file;
add `tests/golden/events/<type>.json` and an entry in `docs/events.md`. The type checker then points at every
`match` that has to decide about it. A new family is one line here.
"""

from typing import Annotated, Any, cast, get_args

from pydantic import Field, TypeAdapter

from services.events.command import CommandEvent
from services.events.device import DeviceEvent
from services.events.fields import Fact
from services.events.kiosk import KioskEvent
from services.events.vehicle import VehicleEvent
from services.events.wifi import WifiEvent

Event = Annotated[
    DeviceEvent | WifiEvent | KioskEvent | VehicleEvent | CommandEvent, Field(discriminator="type")
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)

EVENT_TYPES: dict[str, type[Fact]] = {
    fact.model_fields["type"].default: fact for fact in get_args(get_args(Event)[0])
}


def from_log(event_type: str, data: dict[str, Any]) -> Event:
    """Return a stored event as its class; the log keeps the type beside the data.

    Raises pydantic's ValidationError.
    """
    return EVENT.validate_python({**data, "type": event_type})


def canonical(event: Fact) -> dict[str, Any]:
    """Return an event's data as the log stores it: JSON types only, defaults and absent fields left out."""
    return cast(
        "dict[str, Any]", event.__pydantic_serializer__.to_python(event, mode="json", exclude_defaults=True)
    )
