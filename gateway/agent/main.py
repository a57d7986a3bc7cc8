"""`bypunkt-agent`: read the configuration, be there until told to stop; exit code 0, 1 (failed) or 2 (usage)."""

import argparse
import asyncio
import logging
import signal
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog

from gateway.agent.agent import Agent
from gateway.agent.checks import NOTE, problems
from gateway.agent.failures import AgentRefused
from gateway.agent.options import AgentOptions, read_options
from gateway.agent.sources import sources_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    told = _parser().parse_args(arguments)
    _log_to_stderr(logging.CRITICAL if told.check else logging.DEBUG if told.verbose else logging.INFO)
    try:
        options = read_options(told.config)
        if told.check:
            return _check(options)
        asyncio.run(_run(options))
    except (AgentRefused, sqlite3.Error, OSError) as error:
        _say(f"bypunkt-agent: {error}", error=True)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bypunkt-agent", description="The bypunkt agent for kiosks and hotspots (docs/agent.md)."
    )
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("/etc/bypunkt/agent.toml"),
        help="configuration file (%(default)s)",
    )
    parser.add_argument("--check", action="store_true", help="say what is wrong and what to do, and leave")
    parser.add_argument("--verbose", action="store_true", help="log more")
    return parser


async def _run(options: AgentOptions) -> None:
    options.session()  # raises now what would be wrong at every connection
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with Agent(options, sources=sources_of(options)):
        await stopped.wait()


def _check(options: AgentOptions) -> int:
    found = asyncio.run(problems(options))
    for line in found:
        _say(line, error=True)
    wrong = [line for line in found if not line.startswith(NOTE)]
    if not wrong:
        _say("all is well")
    return 1 if wrong else 0


def _say(line: str, *, error: bool = False) -> None:
    with suppress(BrokenPipeError):
        print(line, file=sys.stderr if error else sys.stdout)


def _log_to_stderr(level: int) -> None:
    """Log events with fields, one JSON object a line, for the journal."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # aiohttp quotes broken requests, and whoever made them; the endpoint answers them, that is enough.
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)


if __name__ == "__main__":
    sys.exit(main())
