"""What is measured, in words: every field of every event type, and how long by the settings that run."""

from typing import get_args

import pytest

from dashboard.measured import (
    EVERY_DEVICE,
    OF_KIND,
    days_words,
    fields_in_words,
    kept_words,
    kinds_send,
    sent,
    sent_by_all,
)
from services.events import EVENT_TYPES
from services.events.fields import Retention
from services.log.options import RetentionOptions

# Of a birth's `ip` nothing is kept.
DROPPED = {"type", "ip"}


@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES))
def test_words_speak_of_every_field_that_is_kept_and_of_no_other(event_type: str) -> None:
    spoken_of = fields_in_words(event_type)
    assert len(spoken_of) == len(set(spoken_of))
    assert set(spoken_of) == set(EVENT_TYPES[event_type].model_fields) - DROPPED


def test_every_event_type_is_sent_by_somebody() -> None:
    named = {*EVERY_DEVICE, *(each for types in OF_KIND.values() for each in types)}
    assert named == set(EVENT_TYPES)


@pytest.mark.parametrize("lang", ["sv", "en"])
def test_how_long_follows_the_settings_of_this_program(lang: str) -> None:
    longer = RetentionOptions(standard_days=1000)
    assert "1000" in sent("device.heartbeat", longer, lang).kept
    for short in ("wifi.session_end", "vehicle.position"):
        # What it says goes after hours; that the device was heard stays in the log with the other events.
        assert "48" in sent(short, longer, lang).kept
        assert "1000" in sent(short, longer, lang).kept


def test_days_are_said_in_months_where_that_helps() -> None:
    assert days_words(760, "sv") == "760 dagar (ungefär 25 månader)"
    assert days_words(40, "sv") == "40 dagar"
    assert days_words(1, "en") == "1 day"


def test_how_long_is_a_whole_sentence() -> None:
    said = {kept: kept_words(kept, RetentionOptions(standard_days=50), "sv") for kept in get_args(Retention)}
    assert said == {
        "short": "Sparas i 48 timmar; att utrustningen hördes då, och när, i 50 dagar.",
        "standard": "Sparas i 50 dagar.",
        "long": "Sparas tills kommunen raderar dem.",
    }


def test_kinds_send_what_they_send_and_nothing_of_others() -> None:
    found = kinds_send([("hotspot", 2), ("locker", 1)], RetentionOptions(), "sv")
    assert [(each.kind, each.number, [one.type for one in each.sends]) for each in found] == [
        ("hotspot", 2, ["wifi.usage", "wifi.visitors", "wifi.session_end"]),
        ("locker", 1, []),
    ]
    assert [each.type for each in sent_by_all(RetentionOptions(), "sv")] == list(EVERY_DEVICE)
