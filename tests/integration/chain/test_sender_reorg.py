"""What a reorganisation undoes comes back by itself, whichever act it was, and nothing is done twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from eth_account.signers.local import LocalAccount

from chain.calls import Call
from chain.connect import chain_time
from chain.errors import Reverted, Unavailable
from chain.job import Address, JobState, JobTerms, RunState, Usage, max_cost
from chain.messages import Assignment, sign_assignment
from chain.rpc import request
from chain.sender import Sender
from tests.fixtures_chain import IMAGE, RATES, RULES, ChainMarket
from tests.integration.chain.payers import Payer

WITHIN_S = 90  # on a busy machine
DEPTHS = [1, 2, 3, 4, 5]


@asynccontextmanager
async def watching(*senders: Sender) -> AsyncIterator[None]:
    """Their keys are looked after."""
    tasks = [asyncio.create_task(sender.watch()) for sender in senders]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not await check():
            await asyncio.sleep(0.05)


async def reorganised(payer: Payer | ChainMarket, depth: int) -> None:
    """The last `depth` blocks are replaced by empty ones; the node forgets what was in them."""
    await request(payer.w3, "anvil_reorg", depth, [])


@pytest.mark.parametrize("depth", DEPTHS)
async def test_what_was_undone_is_mined_again_without_another_send(
    payer: Payer, depth: int
) -> None:
    with payer.sender() as sender:
        for _ in range(depth):
            await sender.send(payer.pay())
        await reorganised(payer, depth)
        assert await payer.paid() == 0

        async def all_paid() -> bool:
            return await payer.paid() == 5 * depth

        async with watching(sender):
            await until(all_paid)
    assert await payer.used() == depth


async def test_a_new_call_waits_for_what_was_undone_before_it_is_tried_out(
    quiet_market: ChainMarket,
) -> None:
    """The transfer would revert on a chain without the grant that came before it."""
    market, owner = quiet_market, quiet_market.consumer
    faucet, transfer = market.token.faucet(), market.token.transfer(market.escrow.address, 10)
    await market.send(owner, faucet, "grant")
    await reorganised(market, 1)
    assert await market.token.balance_of(Address(owner.address)) == 0
    await market.send(owner, transfer, "transfer")
    assert await market.token.balance_of(market.escrow.address) == 10


async def test_a_key_that_was_undone_is_not_told_as_done(payer: Payer) -> None:
    with payer.sender() as sender:
        await sender.send(payer.pay(), "once")
        await reorganised(payer, 1)
        await sender.send(payer.pay(), "once")
        assert await payer.paid() == 5
    assert await payer.used() == 1


async def test_what_reverts_on_the_new_chain_is_told_as_not_done(
    quiet_market: ChainMarket,
) -> None:
    market, owner = quiet_market, quiet_market.consumer
    me, sender = Address(owner.address), quiet_market.sender(quiet_market.consumer)
    await market.give(owner, 10)
    spend = market.token.transfer(market.escrow.address, 10)
    await sender.send(spend, "spend")
    await reorganised(
        market, 3
    )  # the grant, the approval, the payment; only the payment is sent again
    async with watching(sender):
        with pytest.raises(Reverted):
            await sender.send(spend, "spend")
        await market.give(owner, 10)  # the deployer's key is tended by its next send: 10 come twice
        await sender.send(spend, "spend")
    assert await market.token.balance_of(market.escrow.address) == 10
    assert await market.token.balance_of(me) == 10


@pytest.mark.parametrize("depth", DEPTHS)
async def test_a_job_whose_every_act_is_undone_ends_as_if_none_had_been(
    quiet_market: ChainMarket, depth: int
) -> None:
    market = quiet_market
    await market.with_provider()
    terms = market.terms(depth)
    deposit = max_cost(terms.resources, terms.max_rates, terms.duration)
    await market.give(market.consumer, deposit)
    life = Life(market, terms, deposit)
    await request(market.w3, "anvil_mine", hex(8))
    keys = [market.consumer, market.provider, market.scheduler]
    async with watching(*(market.sender(key) for key in keys)):
        await life.act(market.consumer, life.post(), "post", life.is_posted, depth)
        await life.act(market.provider, await life.claim(), "claim", life.is_claimed, depth)
        await market.pass_time(5)
        await life.act(market.provider, life.report(1), "report", life.has_earned, depth)
        await life.act(market.provider, life.complete(2), "complete", life.is_settled, depth)
        await life.act(market.consumer, life.refund(), "refund", life.is_refunded, depth)
        await market.pass_time(RULES.settle_grace + 3 * RULES.window)
        await life.act(market.provider, life.withdraw(), "withdraw", life.is_paid, depth)
    paid = life.earned
    me = Address(market.consumer.address)
    assert await market.token.balance_of(me) == deposit - paid
    assert await market.escrow.state(life.job_id) is JobState.CLOSED


@pytest.mark.parametrize("depth", DEPTHS)
async def test_a_lapse_that_is_undone_is_sent_again(quiet_market: ChainMarket, depth: int) -> None:
    market = quiet_market
    await market.with_provider()
    terms = market.terms(100 + depth)
    deposit = max_cost(terms.resources, terms.max_rates, terms.duration)
    await market.give(market.consumer, deposit)
    life = Life(market, terms, deposit)
    keys = [market.consumer, market.provider, market.scheduler]
    async with watching(*(market.sender(key) for key in keys)):
        await life.act(market.consumer, life.post(), "post", life.is_posted, depth)
        await life.act(market.provider, await life.claim(), "claim", life.is_claimed, depth)
        await market.pass_time(RULES.lapse_after + 1)
        lapse = market.escrow.lapse_job(terms, Address(market.provider.address))
        await life.act(market.scheduler, lapse, "lapse", life.is_open_again, depth)
    assert (await market.escrow.job(life.job_id)).attempt == 2


class Life:
    """One job's acts, each followed by a reorganisation that undoes it, and by what its caller does then."""

    def __init__(self, market: ChainMarket, terms: JobTerms, deposit: int) -> None:
        self._market = market
        self._terms = terms
        self._deposit = deposit
        self._provider = Address(market.provider.address)
        self.job_id = market.escrow.job_id(terms)
        self.earned = 0

    async def act(
        self,
        who: LocalAccount,
        call: Call,
        key: str,
        is_done: Callable[[], Awaitable[bool]],
        depth: int,
    ) -> None:
        """Do it, lose it with what was mined after it, and read on the chain whether it has to be done again."""
        name = f"{key}/{self.job_id}"
        await self._market.send(who, call, name)
        await request(self._market.w3, "anvil_mine", hex(depth - 1)) if depth > 1 else None
        await reorganised(self._market, depth)

        async def comes_back() -> bool:
            if await is_done():
                return True
            try:
                await self._market.send(who, call, name)
            except (Reverted, Unavailable):
                await asyncio.sleep(0.2)
            return await is_done()

        await until(comes_back)

    def post(self) -> Call:
        return self._market.escrow.post_job(self._terms, self._deposit)

    async def claim(self) -> Call:
        until_s = await chain_time(self._market.w3) + 1000
        assignment = Assignment(self.job_id, 1, self._provider, IMAGE, until_s)
        signature = sign_assignment(self._market.scheduler, self._market.domain, assignment)
        return self._market.escrow.claim_job(self._terms, assignment, signature)

    def report(self, wall_s: int) -> Call:
        return self._market.escrow.report_usage([(self.job_id, 1, Usage(wall_s=wall_s))])

    def complete(self, wall_s: int) -> Call:
        self.earned = wall_s * RATES.wall_s
        return self._market.escrow.complete_job(self.job_id, 1, Usage(wall_s=wall_s), 0, "")

    def refund(self) -> Call:
        return self._market.escrow.refund(self._terms, self._provider)

    def withdraw(self) -> Call:
        return self._market.escrow.withdraw([(self.job_id, 1)])

    async def is_posted(self) -> bool:
        return (await self._market.escrow.job(self.job_id)).state is JobState.OPEN

    async def is_claimed(self) -> bool:
        return await self._state() is RunState.LIVE

    async def has_earned(self) -> bool:
        return (await self._market.escrow.run(self.job_id, 1, self._provider)).earned > 0

    async def is_settled(self) -> bool:
        return await self._state() is RunState.SETTLED

    async def is_refunded(self) -> bool:
        return (await self._market.escrow.job(self.job_id)).deposit == 0

    async def is_paid(self) -> bool:
        run = await self._market.escrow.run(self.job_id, 1, self._provider)
        return 0 < run.earned == run.released

    async def is_open_again(self) -> bool:
        job = await self._market.escrow.job(self.job_id)
        return (job.state, job.attempt) == (JobState.OPEN, 2)

    async def _state(self) -> RunState:
        return (await self._market.escrow.run(self.job_id, 1, self._provider)).state
