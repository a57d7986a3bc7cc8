"""A site with the demo villages for each test, on the session's event loop like the browser."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.dashboard.public.demo_site import Site, site


@pytest_asyncio.fixture(loop_scope="session")
async def villages(database_url: str, admin_url: str) -> AsyncIterator[Site]:
    """The demo villages on their own database."""
    async with site(database_url, admin_url) as running:
        yield running
