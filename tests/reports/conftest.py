"""A desk with counted days."""

from collections.abc import AsyncIterator

import pytest

from tests.reports.reporting import Desk, desk


@pytest.fixture
async def at_desk(database_url: str, admin_url: str) -> AsyncIterator[Desk]:
    async with desk(database_url, admin_url) as made:
        yield made
