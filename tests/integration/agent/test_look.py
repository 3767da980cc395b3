"""What an agent sees of its runs is what the chain has, at one block."""

from __future__ import annotations

from agent.runs.look import ChainView
from chain.job import Address, JobState, RunState, Usage, cost
from tests.fixtures_chain import RATES, RULES, ChainMarket


def view(market: ChainMarket, who: Address) -> ChainView:
    return ChainView(market.w3, market.escrow, who, RULES)


async def test_a_run_is_ours_or_taken_by_another_or_nobodys(market_on_anvil: ChainMarket) -> None:
    market = market_on_anvil
    me, rival = Address(market.provider.address), Address(market.juror.address)
    await market.with_provider()
    terms = await market.with_job()
    job_id = market.escrow.job_id(terms)
    seen = await view(market, me).look(job_id, 1)
    assert seen is not None
    assert (seen.chain.run, seen.chain.taken) == (RunState.ABSENT, False)
    assert seen.chain.state is JobState.OPEN
    await market.claimed(terms)
    for who, run, taken in ((me, RunState.LIVE, False), (rival, RunState.ABSENT, True)):
        seen = await view(market, who).look(job_id, 1)
        assert seen is not None
        assert (seen.chain.run, seen.chain.taken) == (run, taken)
    ours = await view(market, me).look(job_id, 1)
    assert ours is not None
    assert ours.rates == RATES
    assert ours.chain.started_at == (await market.escrow.job(job_id)).started_at


async def test_money_is_seen_to_become_final_and_to_be_released(
    market_on_anvil: ChainMarket,
) -> None:
    market = market_on_anvil
    me = Address(market.provider.address)
    await market.with_provider()
    terms = await market.with_job()
    job_id = market.escrow.job_id(terms)
    await market.claimed(terms)
    await market.pass_time(3)
    used = Usage(wall_s=2)
    await market.send(market.provider, market.escrow.report_usage([(job_id, 1, used)]))
    mine = view(market, me)
    seen = await mine.look(job_id, 1)
    assert seen is not None
    assert (seen.chain.earned, seen.chain.final, seen.chain.all_final) == (
        cost(used, RATES),
        0,
        False,
    )
    await market.pass_time(2 * RULES.window)
    seen = await view(market, me).look(job_id, 1)
    assert seen is not None
    assert seen.chain.final == seen.chain.earned == cost(used, RATES)
    assert seen.chain.all_final
    assert await mine.credit() == 0
    await market.send(market.provider, market.escrow.report_usage([(job_id, 1, used)]))
    seen = await view(market, me).look(job_id, 1)
    assert seen is not None
    assert seen.chain.released == cost(used, RATES) == await mine.credit()


async def test_a_run_that_lapsed_is_settled_and_its_next_attempt_nobodys(
    market_on_anvil: ChainMarket,
) -> None:
    market = market_on_anvil
    me = Address(market.provider.address)
    await market.with_provider()
    terms = await market.with_job()
    job_id = market.escrow.job_id(terms)
    await market.claimed(terms)
    await market.pass_time(RULES.lapse_after + 1)
    await market.send(market.scheduler, market.escrow.lapse_job(terms, me))
    first, second = [await view(market, me).look(job_id, attempt) for attempt in (1, 2)]
    assert first is not None
    assert second is not None
    assert (first.chain.run, first.chain.attempt) == (RunState.SETTLED, 2)
    assert (second.chain.run, second.chain.taken) == (RunState.ABSENT, False)
