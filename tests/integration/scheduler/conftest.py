"""Readers of a chain on which nothing happens but what the test does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fixtures_chain import ChainMarket
from tests.integration.scheduler.reading import Reading, reading


@pytest.fixture
async def reader(quiet_market: ChainMarket, tmp_path: Path) -> AsyncIterator[Reading]:
    async with reading(quiet_market, tmp_path / "rows.sqlite3") as one:
        yield one
