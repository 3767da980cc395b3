"""Readers of a chain on which nothing happens but what the test does, with their rows in either database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from scheduler.rows.database import open_store
from tests.fixtures_chain import ChainMarket
from tests.fixtures_ipfs import ContentStore
from tests.integration.scheduler.bench import Bench, open_bench
from tests.integration.scheduler.delivering import TwoEngines, two_engines
from tests.integration.scheduler.keeping import Keeping
from tests.integration.scheduler.placing import Rows
from tests.integration.scheduler.reading import Reading, reading
from tests.integration.scheduler.served import Served, serving
from tests.second_engine import SecondEngine, second_engine


@pytest.fixture
async def reader(quiet_market: ChainMarket, database_url: str) -> AsyncIterator[Reading]:
    async with reading(quiet_market, database_url) as one:
        yield one


@pytest.fixture
async def served(
    market_on_anvil: ChainMarket, tmp_path: Path, store: ContentStore
) -> AsyncIterator[Served]:
    """A scheduler that serves, as it is set up where nothing is said."""
    async with serving(market_on_anvil, tmp_path, store.api) as one:
        yield one


@pytest.fixture
async def rows(database_url: str) -> AsyncIterator[Rows]:
    """Rows without a chain, in either database."""
    store = await open_store(database_url)
    yield Rows(store)
    await store.close()


@pytest.fixture
async def bench(
    tmp_path: Path, store: ContentStore, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bench]:
    """A builder at work."""
    async with open_bench(tmp_path, store, monkeypatch) as one:
        yield one


@pytest.fixture(scope="module")
def other() -> Iterator[SecondEngine]:
    """A Docker Engine that shares nothing with the machine's own."""
    with second_engine() as one:
        yield one


@pytest.fixture
async def engines(
    store: ContentStore, other: SecondEngine, tmp_path: Path
) -> AsyncIterator[TwoEngines]:
    """The machine's Engine and another, with what brings images from one to the other."""
    one = await two_engines(store.api, other, tmp_path)
    yield one
    await one.close()


@pytest.fixture
async def keeping(rows: Rows, store: ContentStore, tmp_path: Path) -> Keeping:
    """A pinner at work."""
    return Keeping(rows, store.api, tmp_path)
