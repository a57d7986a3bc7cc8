"""The broker of production."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.brokers import ProductionBroker


@pytest.fixture
async def broker(open_directory: Path) -> AsyncIterator[ProductionBroker]:
    """A broker with the production configuration and the store of a first run."""
    async with ProductionBroker(open_directory / "broker") as started:
        yield started
