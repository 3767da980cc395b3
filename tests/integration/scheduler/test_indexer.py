"""The indexer's rows are the chain's: once, in order, rebuilt from nothing, and taken back with their blocks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chain.errors import Conflict, NotFound
from chain.job import Address, JobId, JobState, Usage
from chain.rpc import request
from scheduler.api.listing import Filter, list_deployments
from scheduler.api.views import show_deployment
from scheduler.rows.store import bind_chain
from scheduler.signals import CLAIMS
from tests.fixtures_chain import RULES, ChainMarket
from tests.integration.scheduler.reading import Reading, a_whole_life, reading


async def test_a_jobs_rows_say_what_the_contract_says(reader: Reading) -> None:
    market = reader.market
    job_id = await a_whole_life(market)
    await reader.to_the_head()
    facts = await reader.job(job_id)
    assert facts is not None
    stored = await market.escrow.job(job_id)
    assert (facts.deposit, facts.deadline, facts.attempt) == (
        stored.deposit,
        stored.deadline,
        stored.attempt,
    )
    assert facts.state_at(reader.clock.now(), RULES) is await market.escrow.state(job_id)
    run = facts.current
    assert run is not None
    assert (run.exit_code, run.settled, run.usage.cpu_ms) == (3, True, 20)
    assert (
        run.earned == (await market.escrow.earned(job_id, 1, Address(market.provider.address)))[0]
    )
    shown = await show_deployment(reader.store, reader.moment(), job_id)
    assert shown.state == "Ended"
    assert shown.why == "finished with exit code 3"
    names = [item.event for item in shown.transactions]
    assert names == [
        "JobPosted",
        "JobClaimed",
        "UsageReported",
        "UsageReported",
        "JobCompleted",
        "Refunded",
    ]


async def test_ganache_and_anvil_are_read_alike(each_market: ChainMarket, tmp_path: Path) -> None:
    market = each_market
    job_id = await a_whole_life(market)
    async with reading(market, tmp_path / "rows.sqlite3") as one:
        await one.to_the_head()
        facts, rows = await one.job(job_id), await one.rows()
    assert facts is not None
    stored = await market.escrow.job(job_id)
    assert (facts.deposit, facts.state, facts.alarm) == (stored.deposit, stored.state, "")
    assert len(rows["events"]) == 8
    assert len(rows["providers"]) == len(rows["rate_cards"]) == 1


async def test_reading_on_changes_nothing_and_an_empty_database_ends_the_same(
    reader: Reading, tmp_path: Path
) -> None:
    await a_whole_life(reader.market)
    await reader.to_the_head()
    once = await reader.rows()
    await reader.to_the_head()
    assert await reader.rows() == once
    async with reading(reader.market, f"sqlite:///{tmp_path}/empty.sqlite3") as second:
        await second.to_the_head()
        fresh = await second.rows()
    assert {name: rows for name, rows in fresh.items() if name != "work"} == {
        name: rows for name, rows in once.items() if name != "work"
    }
    assert len(fresh["work"]) == len(once["work"]) == 1


async def test_a_jobs_blocks_that_are_no_longer_the_chains_take_the_job_with_them(
    reader: Reading,
) -> None:
    market = reader.market
    await market.with_provider()
    terms = await market.with_job()
    kept = market.escrow.job_id(terms)
    await reader.to_the_head()
    snapshot = await request(market.w3, "evm_snapshot")
    gone = await posted_by_the_node(market, salt=7)
    await reader.to_the_head()
    assert await reader.job(gone) is not None
    await request(market.w3, "evm_revert", snapshot)
    await request(market.w3, "evm_increaseTime", 5)
    for _ in range(4):
        await request(market.w3, "evm_mine")
    await reader.to_the_head()
    assert await reader.job(gone) is None
    assert await reader.job(kept) is not None
    with pytest.raises(NotFound):
        await show_deployment(reader.store, reader.moment(), gone)


async def test_a_lapse_opens_the_job_again_with_what_is_left(reader: Reading) -> None:
    market = reader.market
    await market.with_provider()
    terms = await market.with_job()
    job_id = market.escrow.job_id(terms)
    await market.claimed(terms)
    await market.pass_time(2)
    report = (job_id, 1, Usage(cpu_ms=10, wall_s=1))
    await market.send(market.provider, market.escrow.report_usage([report]))
    rules = await market.escrow.parameters()
    await market.pass_time(rules.lapse_after + 1)
    await market.send(
        market.scheduler, market.escrow.lapse_job(terms, Address(market.provider.address))
    )
    await reader.to_the_head()
    facts = await reader.job(job_id)
    assert facts is not None
    stored = await market.escrow.job(job_id)
    assert (facts.state, facts.attempt, facts.alarm) == (JobState.OPEN, 2, "")
    assert (facts.deposit, facts.duration) == (stored.deposit, stored.duration)
    first = facts.run(1)
    assert first is not None
    assert first.settled
    assert (
        first.earned
        == (await market.escrow.earned(job_id, 1, Address(market.provider.address)))[0]
        > 0
    )


async def test_deployments_are_listed_newest_first_in_pages(reader: Reading) -> None:
    market = reader.market
    posted = [market.escrow.job_id(await market.with_job(salt)) for salt in range(5)]
    await reader.to_the_head()
    consumer = Address(market.consumer.address)
    told: list[str] = []
    cursor: str | None = None
    while True:
        page = await list_deployments(reader.store, reader.moment(), Filter(consumer), 2, cursor)
        assert len(page.items) <= 2
        told += [item.job_id for item in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert told == list(reversed(posted))
    stranger = Address(market.provider.address)
    assert (
        await list_deployments(reader.store, reader.moment(), Filter(stranger), 2, None)
    ).items == []


async def test_rows_of_another_chain_are_never_mixed_in(reader: Reading) -> None:
    book = reader.market.book
    with pytest.raises(Conflict, match="knows chain"):
        await bind_chain(reader.store, book.chain_id, "0x" + "ab" * 32, book.escrow)


async def posted_by_the_node(market: ChainMarket, salt: int) -> JobId:
    """A job whose transaction the node itself signs, so that our sender's records stay out of it."""
    terms = market.terms(salt)
    give = market.token.transfer(Address(market.consumer.address), 10**18)
    for who, call in (
        (market.deployer, give),
        (market.consumer, market.escrow.post_job(terms, 10**15)),
    ):
        sent = {"from": who.address, "to": call.to, "data": "0x" + call.data.hex()}
        await request(market.w3, "eth_sendTransaction", {**sent, "gas": hex(900_000)})
        await request(market.w3, "evm_mine")
    return market.escrow.job_id(terms)


async def test_an_agents_word_that_it_has_claimed_has_the_chain_read_at_once(
    reader: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduler.index.indexer.HEAD_S", 600)
    monkeypatch.setattr(reader.indexer._heads, "_look_s", 600)
    await reader.to_the_head()
    following = asyncio.create_task(reader.indexer.run())
    await asyncio.sleep(0.5)  # it waits for a head by now
    job_id = reader.market.escrow.job_id(await reader.market.with_job())
    await asyncio.sleep(0.5)
    assert await reader.job(job_id) is None
    reader.signals.notify(CLAIMS)
    async with asyncio.timeout(20):
        while await reader.job(job_id) is None:
            await asyncio.sleep(0.02)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
