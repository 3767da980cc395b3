"""Whatever a node says or fails to say, the rows end as those of an honest index."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from chain.connect import connect
from chain.errors import DraasError
from chain.job import Usage
from chain.rpc import request
from tests.fixtures_chain import RULES, ChainMarket
from tests.integration.scheduler.reading import Reading, a_whole_life, reading
from tests.lying_node import LyingNode, lying_node

LIES = ["delay", "reset", "answer lost", "429", "500", "html", "cut json", "odd json", "old head"]
LIES += ["lost logs", "doubled logs", "foreign logs", "wrong chain", "two heads", "stall"]


@pytest.fixture
async def node(quiet_market: ChainMarket) -> AsyncIterator[LyingNode]:
    async with lying_node(quiet_market.chain.rpc_url) as node:
        yield node


@asynccontextmanager
async def through(
    market: ChainMarket, url: str, path: Path, timeout_s: float = 10
) -> AsyncIterator[Reading]:
    """An indexer that knows the chain by this address only."""
    w3 = connect(url, timeout_s)
    async with reading(replace(market, w3=w3), path) as one:
        yield one
    await w3.provider.disconnect()


async def chain_rows(one: Reading) -> dict[str, list[object]]:
    return {name: rows for name, rows in (await one.rows()).items() if name != "work"}


async def honest_rows(market: ChainMarket, path: Path) -> dict[str, list[object]]:
    async with reading(market, path) as honest:
        await honest.to_the_head()
        return await chain_rows(honest)


async def try_to_read(one: Reading, times: int) -> None:
    for _ in range(times):
        with suppress(DraasError):
            await one.indexer.step()


@pytest.mark.parametrize("every", [1, 2, 3])
@pytest.mark.parametrize("lie", LIES)
async def test_rows_end_as_an_honest_index_after_a_lie(
    quiet_market: ChainMarket, node: LyingNode, tmp_path: Path, lie: str, every: int
) -> None:
    market = quiet_market
    await a_whole_life(market)
    patience = 0.7 if lie == "stall" else 10
    async with through(market, node.url, tmp_path / "rows.sqlite3", patience) as one:
        await one.to_the_head()
        before = await chain_rows(one)
        if lie == "two heads":
            await request(market.w3, "anvil_reorg", 2, [])
        await market.with_job(salt=5)
        node.lie, node.every = lie, every
        await try_to_read(one, 3 if lie == "stall" else 12)
        if lie == "old head" and every == 1:
            assert await chain_rows(one) == before
            assert not one.indexer.synced
        node.lie = ""
        await one.to_the_head()
        rows = await chain_rows(one)
    assert rows == await honest_rows(market, tmp_path / "honest.sqlite3")
    assert len(rows["jobs"]) == 2


async def test_logs_that_a_block_should_have_are_found_though_the_node_loses_all(
    quiet_market: ChainMarket, node: LyingNode, tmp_path: Path
) -> None:
    node.lie = "lost logs"
    await a_whole_life(quiet_market)
    async with through(quiet_market, node.url, tmp_path / "rows.sqlite3") as one:
        await one.to_the_head()
        rows = await chain_rows(one)
    assert "eth_getBlockReceipts" in node.asked
    assert rows == await honest_rows(quiet_market, tmp_path / "honest.sqlite3")


@pytest.mark.parametrize("lost", ["JobClaimed", "JobPosted", "UsageReported"])
async def test_a_job_whose_events_were_lost_is_told_as_it_is_and_raises_no_alarm(
    quiet_market: ChainMarket, node: LyingNode, tmp_path: Path, lost: str
) -> None:
    market = quiet_market
    await market.with_provider()
    terms = await market.with_job()
    job_id = market.escrow.job_id(terms)
    await market.claimed(terms)
    await market.pass_time(2)
    await market.send(market.provider, market.escrow.report_usage([(job_id, 1, Usage(wall_s=1))]))
    for _ in range(8):
        await request(market.w3, "anvil_mine", hex(50))
    (node.lost,) = (
        "0x" + topic.hex()
        for topic, one in market.escrow.interface.events.items()
        if one.name == lost
    )
    async with through(market, node.url, tmp_path / "rows.sqlite3") as one:
        node.lie = "lost logs"
        await one.to_the_head()
        assert len((await one.rows())["events"]) == 4
        node.lie = ""
        await market.pass_time(2 * RULES.window)  # what is final by now tells of a lost report
        done = market.escrow.complete_job(job_id, 1, Usage(wall_s=2), 0, "")
        await market.send(market.provider, done)
        await one.to_the_head()
        facts = await one.job(job_id)
        rows = await chain_rows(one)
    assert facts is not None
    assert facts.alarm == ""
    assert rows == await honest_rows(market, tmp_path / "honest.sqlite3")


async def test_a_second_node_tells_what_the_first_one_lost(
    quiet_market: ChainMarket, node: LyingNode, tmp_path: Path
) -> None:
    market = quiet_market
    async with lying_node(market.chain.rpc_url) as second:
        urls = f"{second.url},{node.url}"
        async with through(market, urls, tmp_path / "rows.sqlite3", 2) as one:
            await one.to_the_head()
            second.lie = "500"
            await try_to_read(one, 1)
            await one.to_the_head()  # from the node that comes next
            asked = node.requests
            await a_whole_life(market)
            second.lie, node.lie = "", "stall"
            await try_to_read(one, 1)
            await one.to_the_head()
            rows = await chain_rows(one)
    assert asked > 0
    assert rows == await honest_rows(market, tmp_path / "honest.sqlite3")
