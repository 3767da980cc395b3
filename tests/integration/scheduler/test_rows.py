"""What the rows say of bonds, disputes and states is what the contract says."""

from __future__ import annotations

from sqlalchemy import select

from chain.api import State
from chain.job import Address, JobId, JobState, Usage, units_of
from chain.rpc import request
from scheduler.api.views import show_deployment
from scheduler.rows import tables as t
from scheduler.telemetry.overview import count_states
from scheduler.work.candidates import taken
from tests.fixtures_chain import RULES, UNITS, ChainMarket
from tests.integration.scheduler.reading import Reading, a_whole_life


async def test_a_claim_holds_the_providers_bond_until_its_run_is_settled(reader: Reading) -> None:
    market = reader.market
    me = Address(market.provider.address)
    await market.with_provider()
    terms = await market.with_job()
    job_id = market.escrow.job_id(terms)
    needed = units_of(terms.resources)
    for act, held in ((market.claimed(terms), needed), (completed(market, job_id), 0)):
        await act
        await reader.to_the_head()
        async with reader.store.read() as tx:
            held_of_bond = [one.units for one in await taken(tx, 0) if one.provider == me]
            bonded = (await tx.execute(select(t.providers.c.bonded))).scalar()
        provider = await market.escrow.provider(me)
        assert sum(held_of_bond) == provider.reserved == held
        assert bonded == provider.bonded == UNITS


async def completed(market: ChainMarket, job_id: JobId) -> None:
    """The provider ends its run."""
    await market.send(market.provider, market.escrow.complete_job(job_id, 1, Usage(), 0, ""))


async def test_what_is_told_of_a_dispute_by_its_number_is_found_with_its_job(
    reader: Reading,
) -> None:
    market = reader.market
    me = Address(market.provider.address)
    await market.with_provider()
    terms = await market.with_job()
    job_id = market.escrow.job_id(terms)
    await market.claimed(terms)
    await market.pass_time(2)
    report = (job_id, 1, Usage(wall_s=1))
    await market.send(market.provider, market.escrow.report_usage([report]))
    await market.give(market.consumer, RULES.dispute_bond)
    fee = await market.escrow.dispute_fee()
    call = market.escrow.dispute(terms, 1, me, "/ipfs/evidence", fee=fee)
    await market.send(market.consumer, call)
    for _ in range(2):  # nobody has a stake, so the court refuses to rule
        await request(market.w3, "evm_mine")
        await request(market.w3, "evm_mine")
        await market.send(market.deployer, market.court.draw())
    await market.send(market.deployer, market.court.execute_ruling(1))
    await reader.to_the_head()
    shown = await show_deployment(reader.store, reader.moment(), job_id)
    names = [item.event for item in shown.transactions]
    assert names[-4:] == ["JobDisputed", "Evidence", "Ruling", "DisputeRuled"]
    assert shown.transactions[-3].data["evidence"] == "/ipfs/evidence"
    assert shown.why == "ruled after a dispute"
    facts = await reader.job(job_id)
    assert facts is not None
    assert facts.runs[0].ruling == 0


async def test_jobs_are_counted_by_the_states_that_time_has_brought(reader: Reading) -> None:
    market = reader.market
    job_id = await a_whole_life(market)
    await market.with_job(salt=1)
    await reader.to_the_head()
    assert await counted(reader) == {"Ended": 1, "Open": 1}
    for seconds, expected in (
        (RULES.settle_grace + 2 * RULES.window, {"Closed": 1, "Open": 1}),
        (market.terms().claim_within, {"Closed": 1, "Ended": 1}),
    ):
        await market.pass_time(seconds)
        await reader.to_the_head()
        assert await counted(reader) == expected
        shown = await show_deployment(reader.store, reader.moment(), job_id)
        assert shown.state == "Closed"
    assert await market.escrow.state(job_id) is JobState.CLOSED


async def counted(reader: Reading) -> dict[State, int]:
    async with reader.store.read() as tx:
        return await count_states(tx, reader.moment())
