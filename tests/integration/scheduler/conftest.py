"""Readers of a chain on which nothing happens but what the test does, with their rows in either database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fixtures_chain import ChainMarket
from tests.integration.scheduler.reading import Reading, reading


@pytest.fixture
async def reader(quiet_market: ChainMarket, database_url: str) -> AsyncIterator[Reading]:
    async with reading(quiet_market, database_url) as one:
        yield one
