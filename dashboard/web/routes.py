"""Routes that say who may come in: there is no way to add one without it.

routes = Routes()

@routes.get("/staff", access=Permission.SEE_OVERVIEW)
async def overview(request: web.Request) -> web.StreamResponse: ...

@routes.get("/p/{point}", access=PUBLIC)
async def point(request: web.Request) -> web.StreamResponse: ...
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import wraps
from typing import Final, TypeAlias

from aiohttp import web

from dashboard.web import guard
from services.tenants.access import Permission

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Public(Enum):
    """Marks a route that needs no sign-in."""

    PUBLIC = "public"


PUBLIC: Final = Public.PUBLIC


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path, who may use it, and what answers."""

    method: str
    path: str
    access: Permission | Public
    handler: Handler


class Routes:
    """The routes of one page module."""

    def __init__(self) -> None:
        self._routes: list[Route] = []

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def get(self, path: str, *, access: Permission | Public) -> Callable[[Handler], Handler]:
        """Answer GET and HEAD."""
        return self._adder("GET", path, access)

    def post(self, path: str, *, access: Permission | Public) -> Callable[[Handler], Handler]:
        """Answer POST."""
        return self._adder("POST", path, access)

    def _adder(self, method: str, path: str, access: Permission | Public) -> Callable[[Handler], Handler]:
        def add(handler: Handler) -> Handler:
            self._routes.append(Route(method, path, access, handler))
            return handler

        return add


def add_routes(app: web.Application, routes: Routes) -> None:
    """Put the routes of a page into the application, each behind its guard."""
    for route in routes:
        handler = route.handler if isinstance(route.access, Public) else _guarded(route.handler, route.access)
        if route.method == "GET":
            app.router.add_get(route.path, handler)
        else:
            app.router.add_route(route.method, route.path, handler)


def _guarded(handler: Handler, permission: Permission) -> Handler:
    @wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        await guard.admit(request, permission)
        return await handler(request)

    return answer
