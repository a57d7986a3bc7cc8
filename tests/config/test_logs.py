"""The log: one form for us and for libraries, on standard error, and no visitor in it."""

import asyncio
import json
import logging
import sys
from collections.abc import Iterator

import aiohttp
import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer

from config.logs import set_up
from config.settings import LogOptions

VISITOR = "203.0.113.77"


@pytest.fixture(autouse=True)
def logging_of_the_suite() -> Iterator[None]:
    """Put back what a test sets up for the whole process."""
    root, ours = logging.getLogger(), structlog.get_config()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.configure(**ours)
    root.handlers[:] = handlers
    root.setLevel(level)


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    said = capsys.readouterr()
    assert said.out == ""
    return [json.loads(line) for line in said.err.splitlines()]


def test_events_and_what_libraries_say_have_one_form(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(LogOptions(format="json"))
    structlog.get_logger().info("device_silent", device="hs-lidhult-1", name="Hällnäs")
    logging.getLogger("paho").warning("went %s", "wrong")
    ours, theirs = _lines(capsys)
    assert (ours["event"], ours["device"], ours["name"], ours["level"]) == (
        "device_silent",
        "hs-lidhult-1",
        "Hällnäs",
        "info",
    )
    assert (theirs["event"], theirs["level"]) == ("went wrong", "warning")
    assert str(ours["timestamp"]).endswith("Z")
    assert str(theirs["timestamp"]).endswith("Z")


@pytest.mark.parametrize(("level", "ours", "theirs"), [("debug", 4, 2), ("warning", 2, 2), ("error", 1, 1)])
def test_only_what_is_at_the_level_is_written_and_libraries_from_warning_on(
    capsys: pytest.CaptureFixture[str], level: str, ours: int, theirs: int
) -> None:
    set_up(LogOptions.model_validate({"level": level, "format": "json"}))
    for name in ("debug", "info", "warning", "error"):
        getattr(structlog.get_logger(), name)("ours")
        getattr(logging.getLogger("library"), name)("theirs")
    events = [line["event"] for line in _lines(capsys)]
    assert (events.count("ours"), events.count("theirs")) == (ours, theirs)


def test_an_error_keeps_its_traceback_in_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(LogOptions(format="json"))
    try:
        dict[str, str]()["nowhere"]
    except KeyError:
        structlog.get_logger().exception("task_failed")
        logging.getLogger("library").exception("failed")
    for line in _lines(capsys):
        assert "KeyError: 'nowhere'" in json.dumps(line)


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_arguments_of_the_web_librarys_messages_are_not_written(
    capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    set_up(LogOptions.model_validate({"format": log_format}))
    for name in ("aiohttp", "aiohttp.server", "aiohttp.web"):
        logging.getLogger(name).error("Error handling request from %s: %r", VISITOR, VISITOR)
        logging.getLogger(name).warning("%(remote)s is odd", {"remote": VISITOR})
    said = capsys.readouterr().err
    assert said.count("Error handling request from") == 3
    assert VISITOR not in said


async def test_a_visitor_who_breaks_the_protocol_or_meets_an_error_stays_unnamed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What aiohttp itself says, whichever version it is: the visitor's address is not in it."""

    async def fail(_request: web.Request) -> web.Response:
        raise LookupError("nobody foresaw it")

    set_up(LogOptions(level="debug", format="json"))
    app = web.Application()
    app.router.add_get("/", fail)
    async with TestServer(app) as server, aiohttp.ClientSession() as visitor:
        async with visitor.get(server.make_url("/")) as answer:
            assert answer.status == 500
        for nonsense in (b"\x16\x03\x01 nonsense\r\n\r\n", b"GET / HTTP/9.9\r\nHost: x\r\n\r\n"):
            await _send(server.host or "", server.port or 0, nonsense)
    said = capsys.readouterr().err
    assert "LookupError" in said
    assert "127.0.0.1" not in said


async def _send(host: str, port: int, payload: bytes) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(payload)
    await writer.drain()
    await reader.read()
    writer.close()
    await writer.wait_closed()


def test_on_a_terminal_it_is_readable_and_elsewhere_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for terminal in (True, False):
        monkeypatch.setattr(sys.stderr, "isatty", lambda terminal=terminal: terminal)
        set_up(LogOptions())
        structlog.get_logger().info("started")
        assert capsys.readouterr().err.startswith("{") is not terminal
