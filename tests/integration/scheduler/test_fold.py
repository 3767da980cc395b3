"""A job as its events tell it is the job as the contract stores it, after every act and at every time to come."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from chain.contracts import Artifacts
from chain.errors import Reverted
from chain.follow import next_batch
from chain.ganache import LocalChain
from chain.job import (
    Address,
    JobId,
    JobState,
    JobTerms,
    RunState,
    Usage,
    closes_at,
)
from chain.rpc import request
from scheduler.index.changes import PROVIDER_FIELDS, Before, fold_batch
from scheduler.rows.facts import JobFacts, ProviderFacts
from tests.fixtures_chain import RATES, RULES, ChainMarket, deployed

SLOW = replace(RULES, window=40)  # a run that lapsed is not final yet
POOR = 5 * RATES.wall_s  # a deposit that lasts for five seconds


@pytest.fixture
async def slow_market(
    quiet_anvil: LocalChain, tmp_path: Path, artifacts: Artifacts
) -> AsyncIterator[ChainMarket]:
    """On a chain where nothing happens but what the test does."""
    async for market in deployed(quiet_anvil, tmp_path, artifacts, SLOW):
        yield market


@dataclass
class Life:
    """One job, acted upon by words."""

    market: ChainMarket
    terms: JobTerms
    job_id: JobId
    used: Usage = field(default_factory=Usage)

    @property
    def me(self) -> Address:
        return Address(self.market.provider.address)

    async def act(self, word: str) -> None:
        """Do what a word says."""
        name, _, value = word.partition(":")
        await getattr(self, name)(*([int(value)] if value else []))

    async def wait(self, seconds: int) -> None:
        await self.market.pass_time(seconds)

    async def claim(self) -> None:
        attempt = (await self.market.escrow.job(self.job_id)).attempt
        self.used = Usage()
        await self.market.claimed(self.terms, attempt)

    async def report(self, wall_s: int = 1) -> None:
        self.used = Usage(wall_s=self.used.wall_s + wall_s)
        await self._send_by_provider("report_usage", [await self._report()])

    async def complete(self, wall_s: int = 0) -> None:
        self.used = Usage(wall_s=self.used.wall_s + wall_s)
        await self._send_by_provider("complete_job", *await self._report(), 0, "")

    async def withdraw(self) -> None:
        attempts = (await self.market.escrow.job(self.job_id)).attempt
        refs = [(self.job_id, attempt + 1) for attempt in range(attempts)]
        await self._send_by_provider("withdraw", refs)

    async def cancel(self) -> None:
        market = self.market
        await market.send(market.consumer, market.escrow.cancel_job(self.terms))

    async def top_up(self) -> None:
        market = self.market
        await market.give(market.consumer, 7)
        await market.send(market.consumer, market.escrow.top_up(self.job_id, 7))

    async def decline(self) -> None:
        market = self.market
        call = market.escrow.decline_job(self.terms, "no main.py")
        await market.send(market.scheduler, call)

    async def refund(self) -> None:
        market = self.market
        await market.send(market.scheduler, market.escrow.refund(self.terms, self.me))

    async def leave(self) -> None:
        await self._send_by_provider("start_unbond")

    async def unbond(self) -> None:
        await self._send_by_provider("withdraw_bond")

    async def register(self) -> None:
        await self._send_by_provider("register", 1, RATES)

    async def settle(self) -> None:
        market = self.market
        await market.send(market.scheduler, market.escrow.settle_job(self.job_id, self.me))

    async def lapse(self) -> None:
        market = self.market
        await market.send(market.scheduler, market.escrow.lapse_job(self.terms, self.me))

    async def dispute(self, attempt: int) -> None:
        await self._dispute(attempt, by_provider=False)

    async def bring_to_court(self, attempt: int) -> None:
        await self._dispute(attempt, by_provider=True)

    async def rule(self, ruling: int) -> None:
        """By the court itself, whose key the node stands in for."""
        market = self.market
        court, w3 = market.book.court, market.w3
        await request(w3, "anvil_setBalance", court, hex(10**18))
        await request(w3, "anvil_impersonateAccount", court)
        call = market.escrow.rule(await self._case(), ruling)
        sent = {"from": court, "to": call.to, "data": "0x" + call.data.hex()}
        await request(w3, "eth_sendTransaction", {**sent, "gas": hex(900_000)})
        await request(w3, "evm_mine")

    async def default(self) -> None:
        market = self.market
        call = market.escrow.rule_by_default(await self._case())
        await market.send(market.consumer, call)

    async def _report(self) -> tuple[JobId, int, Usage]:
        return self.job_id, (await self.market.escrow.job(self.job_id)).attempt, self.used

    async def _send_by_provider(self, name: str, *values: object) -> None:
        call = getattr(self.market.escrow, name)(*values)
        await self.market.send(self.market.provider, call)

    async def _dispute(self, attempt: int, by_provider: bool) -> None:
        market = self.market
        who = market.provider if by_provider else market.consumer
        await market.give(who, RULES.dispute_bond)
        fee = await market.escrow.dispute_fee()
        call = market.escrow.dispute(self.terms, attempt, self.me, "/ipfs/evidence", fee=fee)
        await market.send(who, call)

    async def _case(self) -> int:
        """The newest of the court's disputes."""
        (count,) = await self.market.court._read("disputeCount", "latest")
        return int(count)

    async def facts(self) -> tuple[JobFacts, ProviderFacts]:
        """What the events make of the job and its provider."""
        market = self.market
        start = market.book.deployed_at_block
        batch = await next_batch(market.w3, market.escrow, None, start, 0)
        after = fold_batch(batch.events, Before(), lambda _: True)
        assert not after.broken
        return after.jobs[self.job_id], after.providers[self.me]


async def a_life(market: ChainMarket, deposit: int) -> Life:
    """A job that was just posted."""
    await market.with_provider()
    terms = market.terms()
    await market.give(market.consumer, deposit)
    await market.send(market.consumer, market.escrow.post_job(terms, deposit))
    return Life(market, terms, market.escrow.job_id(terms))


async def compare(life: Life) -> None:
    """Hold every fact that the contract stores against the events' account, and the state at every time to come."""
    escrow = life.market.escrow
    facts, record = await life.facts()
    stored = await escrow.job(life.job_id)
    assert facts.alarm == ""
    for name in ("deposit", "deadline", "duration", "rate_card", "attempt", "state", "settled"):
        assert getattr(facts, name) == getattr(stored, name), name
    provider = await escrow.provider(life.me)
    for name in PROVIDER_FIELDS[1:]:
        assert getattr(record, name) == getattr(provider, name), name
    for told in facts.runs:
        run = await escrow.run(life.job_id, told.attempt, told.provider)
        assert (told.earned, told.released) == (run.earned, run.released)
        assert told.settled == (run.state is not RunState.LIVE)
        if not told.settled:
            assert told.reported_at == run.reported_at
    head = await request(life.market.w3, "eth_getBlockByNumber", "latest", False)
    now, closes = int(head["timestamp"], 16), closes_at(facts.deadline, SLOW)
    edges = (facts.deadline, facts.deadline + RULES.settle_grace, closes)
    for at in {now, *(max(now, edge + step) for edge in edges for step in (-1, 0, 1))}:
        assert facts.state_at(at, SLOW) is await state_then(life, at)


async def state_then(life: Life, at: int) -> JobState:
    """The contract's own word, as it would be in a block of that time."""
    escrow = life.market.escrow
    data = escrow.interface.encode("stateOf", life.job_id)
    asked = {"to": escrow.address, "data": "0x" + data.hex()}
    answer = await request(life.market.w3, "eth_call", asked, "latest", {}, {"time": hex(at)})
    return JobState(int(answer, 16))


SILENCE = f"wait:{RULES.lapse_after + 1}"
GRACE = f"wait:{RULES.settle_grace + 1}"
WINDOWS = f"wait:{2 * SLOW.window}"
LAPSED = f"claim wait:9 report {SILENCE} lapse"
LIVES = {
    "a whole life": f"claim wait:3 report wait:41 report wait:2 complete refund {WINDOWS} withdraw",
    "cancelled while open": "top_up cancel",
    "declined": "decline",
    "nobody claims it": "wait:301 refund",
    "cancelled while running": "claim wait:3 report cancel wait:2 complete refund",
    "cancelled, and never completed": f"claim wait:3 report cancel {GRACE} refund",
    "its time is used up": "claim wait:601 report:600 complete refund",
    "its time is used up in silence": "claim wait:3 report wait:700 refund",
    "its deposit is used up": f"claim wait:9 report:9 wait:1 complete {WINDOWS} withdraw",
    "its deposit is used up by the last report": "claim wait:9 report complete:9",
    "used up and never completed": f"claim wait:9 report:9 {GRACE} refund",
    "settled by itself, then refunded": f"claim wait:3 report cancel {GRACE} settle refund",
    "it lapses twice": f"claim wait:3 report {SILENCE} lapse claim {SILENCE} lapse wait:1 cancel",
    "its provider leaves meanwhile": "claim leave wait:3 report complete wait:701 unbond",
    "its provider leaves, lapses, and stays": f"claim leave {SILENCE} lapse register claim cancel",
    "the consumer disputes and wins": "claim wait:3 report:2 dispute:1 rule:2501 refund withdraw",
    "the consumer disputes and loses": "claim wait:3 report:2 dispute:1 rule:10001 refund withdraw",
    "the provider disputes and wins": "claim wait:3 report:2 complete bring_to_court:1 rule:5002 wait:60",
    "the provider disputes and loses": "claim wait:3 report:2 bring_to_court:1 rule:1 refund",
    "the court rules evenly": "claim wait:3 report:2 bring_to_court:1 rule:5001 refund",
    "the court refuses": "claim wait:3 report:2 bring_to_court:1 rule:0 refund",
    "nobody rules": "claim wait:3 report:2 bring_to_court:1 wait:601 default refund",
    "an earlier run is disputed": f"{LAPSED} dispute:1 claim wait:2 report rule:2501 complete",
    "its provider disputes an earlier run": f"{LAPSED} bring_to_court:1 rule:9001 cancel",
}
POOR_LIVES = {"its deposit is used up", "its deposit is used up by the last report"}
POOR_LIVES |= {"used up and never completed", "the provider disputes and wins"}


@pytest.mark.parametrize("name", LIVES)
async def test_events_tell_of_a_life_what_the_contract_stores(
    slow_market: ChainMarket, name: str
) -> None:
    life = await a_life(slow_market, POOR if name in POOR_LIVES else 10**18)
    await compare(life)
    for word in LIVES[name].split():
        await life.act(word)
        await compare(life)


ACTS = [
    "claim",
    "report",
    "report:3",
    "complete",
    "withdraw",
    "cancel",
    "top_up",
    "refund",
    "settle",
    "lapse",
]
ACTS += ["dispute:1", "dispute:2", "bring_to_court:1", "default"]
WAITS = ("wait:1", "wait:4", "wait:11", GRACE, SILENCE, "wait:41")


@pytest.mark.parametrize("seed", range(6))
async def test_events_tell_of_any_acts_what_the_contract_stores(
    slow_market: ChainMarket, seed: int
) -> None:
    dice = random.Random(seed)
    life = await a_life(slow_market, dice.choice((POOR, 10**18)))
    for word in chosen(dice, 18):
        try:
            await life.act(word)
        except Reverted:
            continue
        await compare(life)


def chosen(dice: random.Random, count: int) -> Iterable[str]:
    """Words at random: the first claims, and every second lets time pass."""
    yield "claim"
    for _ in range(count):
        yield dice.choice(WAITS)
        yield dice.choice(ACTS)
