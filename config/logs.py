"""How the program writes its log: events with fields, on standard error."""

import logging
import sys

import structlog
from structlog.typing import Processor

from config.settings import LogOptions


def set_up(options: LogOptions) -> None:
    """Write structlog's events, and what libraries log at warning or above, in one form."""
    readable = options.format == "console" or (options.format == "auto" and sys.stderr.isatty())
    level = getattr(logging, options.level.upper())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Processor = structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer()
    if not readable:
        shared.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    handler.addFilter(_without_visitors)
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)


def _without_visitors(record: logging.LogRecord) -> bool:
    # aiohttp puts the address of whoever sent a broken request into its message; no visitor's address is logged.
    if record.name.startswith("aiohttp"):
        record.msg, record.args = str(record.msg).replace("%s", "…").replace("%r", "…"), ()
    return True
