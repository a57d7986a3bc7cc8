"""Figures of a process without a web face: a listener of its own for `/metrics` and `/healthz`, and nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from dashboard.app import serve
from dashboard.options import WebOptions
from dashboard.pages import health
from dashboard.web import keys

_STOP_S = 1.0


class MetricsOptions(BaseModel):
    """Where a process tells its figures, whatever its roles."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    port: Annotated[int, Field(ge=0, le=65_535)] | None = Field(
        default=None, description="0 takes any free port; without one only the web face tells figures."
    )
    host: str = Field(default="127.0.0.1", description="Whoever reaches it may read the figures.")


@asynccontextmanager
async def serve_metrics(options: MetricsOptions) -> AsyncIterator[str | None]:
    """Answer for as long as this is open, and yield the address, None when no port is set; raises `PortTaken`."""
    if options.port is None:
        yield None
        return
    app = web.Application()
    app[keys.OPTIONS] = WebOptions(stop_seconds=_STOP_S)
    app.router.add_get("/metrics", health.metrics)
    app.router.add_get("/healthz", health.alive)
    async with serve(app, host=options.host, port=options.port) as address:
        yield address
