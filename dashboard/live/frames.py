"""From rows of the database to the frames of the stream."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import asyncpg

from dashboard.device_words import event_words, reason_words
from dashboard.live.mailbox import Frame
from dashboard.points import PointView, point_event
from dashboard.states import device_words
from dashboard.web.language import CODES
from dashboard.web.times import machine

Row: TypeAlias = asyncpg.Record | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LaneSight:
    """Whether we see a lane's devices now, and until when we last did (none: never)."""

    lane: int
    seeing: bool
    seen_until: datetime | None


def device_frame(row: Row) -> Frame:
    """The state of a device; `row` is one of `changed_devices`."""
    facts = {
        "municipality": row["municipality"],
        "device": row["device"],
        "state": row["state"],
        "reason": row["reason"],
        "since": machine(row["since"]),
        "last_sign_at": machine(row["last_sign_at"]),
        "revision": row["revision"],
    }
    return Frame(
        "device",
        _texts(
            "device",
            lambda lang: {
                **facts,
                "words": {
                    "state": device_words(row["state"], lang),
                    "reason": reason_words(row["reason"], lang),
                },
            },
        ),
        municipality=row["municipality"],
        lane=row["lane"],
        key=("device", row["municipality"], row["device"]),
        revision=row["revision"],
    )


def event_frame(row: Row) -> Frame:
    """A new event of the log, in short; `row` is one of `new_events`."""
    facts = {
        "municipality": row["municipality"],
        "device": row["device"],
        "type": row["type"],
        "at": machine(row["at"]),
        "received_at": machine(row["received_at"]),
        "lane": row["lane"],
        "position": row["position"],
    }
    return Frame(
        "event",
        _texts("event", lambda lang: {**facts, "words": event_words(row["type"], row["data"], lang)}),
        municipality=row["municipality"],
        lane=row["lane"],
        position=row["position"],
    )


def usage_frame(row: Row) -> Frame:
    """How many are connected to a hotspot now; `row` is one of `clients_now`."""
    facts = {name: row[name] for name in ("municipality", "device", "clients")}
    return Frame(
        "usage",
        _texts("usage", lambda _: facts),
        municipality=row["municipality"],
        lane=row["lane"],
        key=("usage", row["municipality"], row["device"]),
    )


def sight_frame(sight: LaneSight) -> Frame:
    """Whether we see the devices of a lane now."""
    until = machine(sight.seen_until) if sight.seen_until else None
    facts = {"lane": sight.lane, "seeing": sight.seeing, "seen_until": until}
    return Frame("sight", _texts("sight", lambda _: facts), lane=sight.lane, key=("sight", str(sight.lane)))


def point_frame(view: PointView, now: datetime) -> Frame:
    """The public state of a point."""
    facts = point_event(view, now)
    return Frame(
        "point",
        _texts("point", lambda _: facts),
        municipality=view.municipality.code,
        point=view.id,
        key=("point", view.id),
    )


def _texts(event: str, data: Callable[[str], Mapping[str, object]]) -> dict[str, bytes]:
    return {lang: f"event: {event}\ndata: {_json(data(lang))}\n".encode() for lang in CODES}


def _json(data: Mapping[str, object]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
