"""Whether a command may be carried out: well-formed, in time, declared, and never through a shell."""

import json
from datetime import timedelta

import pytest

from gateway.agent.clocks import Instant, to_ms
from gateway.agent.commands import Command, Unfit, arguments_of, has_expired, read_command
from gateway.agent.options import CommandOptions
from services.runtime.clock import now


def payload(**changed: object) -> bytes:
    told = {"id": "c-1", "name": "device.ping", "args": {}, "expires_at": "2026-11-23T12:00:00Z"}
    return json.dumps({name: value for name, value in (told | changed).items() if value is not ...}).encode()


def test_a_command_is_read() -> None:
    command = read_command(payload(args={"page": "start", "count": 3, "on": True}, later="ignored"))
    assert (command.id, command.name) == ("c-1", "device.ping")
    assert command.args == {"page": "start", "count": 3, "on": True}


@pytest.mark.parametrize(
    ("said", "command_id", "why"),
    [
        (b"", None, "the message"),
        (b"[" * 20_000, None, "too large"),
        (b"[" * 10_000, None, "malformed"),
        (b"\xff", None, "malformed"),
        (b"[]", None, "malformed"),
        (b'"c-1"', None, "malformed"),
        (payload(id=...), None, "id: Field required"),
        (payload(id=7), None, "id"),
        (payload(id="a b"), None, "id"),
        (payload(id="x" * 65), None, "id"),
        (payload(name=...), "c-1", "name"),
        (payload(args=[1]), "c-1", "args"),
        (payload(args={"deep": {"er": 1}}), "c-1", "args.deep"),
        (payload(expires_at=...), "c-1", "expires_at"),
        (payload(expires_at="tomorrow"), "c-1", "expires_at"),
        (payload(expires_at=1_795_000_000), "c-1", "expires_at"),
    ],
)
def test_what_is_no_command_says_why_and_whose_answer_it_wants(
    said: bytes, command_id: str | None, why: str
) -> None:
    with pytest.raises(Unfit, match=why) as caught:
        read_command(said)
    assert caught.value.command_id == command_id
    assert str(caught.value).startswith("malformed")
    assert len(str(caught.value)) <= 200


@pytest.mark.parametrize(
    ("usable", "after_s", "expected"), [(True, 1, True), (True, -1, False), (False, 9_000, False)]
)
def test_a_clock_that_cannot_be_right_expires_nothing(*, usable: bool, after_s: int, expected: bool) -> None:
    command = Command(id="c", name="device.ping", expires_at=now())
    wall_ms = to_ms(command.expires_at + timedelta(seconds=after_s))
    assert (
        has_expired(command, Instant(wall_ms=wall_ms, power_ms=0, lived_ms=0, sure=False, usable=usable))
        is expected
    )


SHOW = CommandOptions.model_validate(
    {
        "program": ["/usr/bin/show", "--page={page}", "{count}", "of {page}"],
        "args": {
            "page": {"pattern": "[a-z/; ]+|-x"},
            "count": {"pattern": r"-?\d+", "default": "1"},
        },
    }
)


def test_arguments_take_their_places_whole() -> None:
    assert arguments_of(SHOW, {"page": "a; rm b", "count": 7}) == (
        "/usr/bin/show",
        "--page=a; rm b",
        "7",
        "of a; rm b",
    )
    assert arguments_of(SHOW, {"page": "{count}".strip("{}")})[2] == "1"


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ({}, "args.page: is missing"),
        ({"page": "A"}, "args.page: does not fit"),
        ({"page": "a\n"}, "args.page: does not fit"),
        ({"page": "a" * 300}, "args.page: does not fit"),
        ({"page": True, "count": True}, "args.count: does not fit"),
        ({"page": "a", "count": -1}, "args.count: must not look like an option"),
        ({"page": "a", "more": 1}, "args.more: is not declared"),
    ],
)
def test_arguments_that_are_not_declared_so_are_refused(args: dict[str, object], why: str) -> None:
    with pytest.raises(Unfit, match=why):
        arguments_of(SHOW, args)
