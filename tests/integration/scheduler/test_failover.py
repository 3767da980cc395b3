"""An agent that falls silent: told at once, lapsed when the contract allows it, and its job goes on elsewhere.

A real chain, a whole worker, and agents that live in their rows alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from sqlalchemy import select, update

from chain.clock import unix_ms
from chain.job import Address, Digest, JobId, JobState, JobTerms, Usage
from chain.messages import Assignment
from chain.wire import ResourcesBody
from scheduler.api.views import show_deployment
from scheduler.app import _watchtower
from scheduler.ground import Ground, open_ground
from scheduler.images.builder import Builder
from scheduler.index.indexer import Indexer
from scheduler.loops import run_loops
from scheduler.rows import tables as t
from scheduler.rows.batch import upsert
from scheduler.rows.facts import JobFacts
from scheduler.rows.states import Moment
from scheduler.rows.store import load_job
from scheduler.sessions import links
from scheduler.sessions.vault import Vault
from scheduler.settings import Settings
from scheduler.work.assign import Assigner, Offering
from scheduler.work.worker import Worker
from tests.fixtures_chain import IMAGE, RATES, RULES, TERMS, UNITS, ChainMarket
from tests.fixtures_ipfs import ContentStore

HEARTBEAT_S = 1


@dataclass
class Scene:
    """A scheduler at work on a market, and its two providers."""

    market: ChainMarket
    ground: Ground
    agents: list[LocalAccount] = field(default_factory=list)

    async def heard(self, agent: LocalAccount) -> None:
        """The agent's session, as a hub writes it."""
        values: dict[str, Any] = {"agent": agent.address, "version": "1", "attributes": {}}
        values |= {"capacity": ResourcesBody(cpu_millis=2000, memory_mib=512, egress_kib_s=100)}
        values |= {"last_seen_ms": unix_ms(), "session_at": "a:1"}
        async with self.ground.store.write() as tx:
            await upsert(tx, t.agents, values)

    async def silent(self, agent: LocalAccount) -> None:
        """It was last heard three heartbeats ago; a hub notices."""
        ground, oldest_ms = self.ground, unix_ms() - 3000 * HEARTBEAT_S - 2000
        async with ground.store.write() as tx:
            mine = t.agents.c.agent == agent.address
            await tx.execute(update(t.agents).where(mine).values(last_seen_ms=oldest_ms - 1))
            gone = await links.silent(tx, oldest_ms)
            assert [str(one) for one in gone] == [agent.address]
            await links.lose(tx, gone, oldest_ms, ground.clock.now())
        ground.signals.notify("work")

    async def job(self, job_id: JobId) -> JobFacts:
        async with self.ground.store.read() as tx:
            found = await load_job(tx, job_id)
        assert found is not None
        return found

    async def work(self, job_id: JobId) -> Any:
        async with self.ground.store.read() as tx:
            return (await tx.execute(select(t.work).where(t.work.c.job_id == job_id))).one()

    async def offer(self, job_id: JobId, attempt: int) -> Any:
        """The offer of an attempt, once there is one."""
        c = t.offers.c
        mine = select(t.offers).where(c.job_id == job_id, c.attempt == attempt)
        for _ in range(300):
            async with self.ground.store.read() as tx:
                row = (await tx.execute(mine)).first()
            if row is not None:
                return row
            await asyncio.sleep(0.05)
        raise AssertionError(await self.work(job_id))

    async def claim(self, terms: JobTerms, offer: Any) -> LocalAccount:
        """The agent that was offered the job claims it."""
        agent = next(one for one in self.agents if one.address == offer.provider)
        assignment = Assignment(
            JobId(offer.job_id), offer.attempt, Address(agent.address), offer.image, offer.deadline
        )
        claim = self.market.escrow.claim_job(terms, assignment, offer.signature)
        await self.market.send(agent, claim)
        return agent

    async def until(self, job_id: JobId, holds: Callable[[JobFacts, Any], bool]) -> JobFacts:
        """The facts, as soon as something holds of them and of the work row."""
        for _ in range(300):
            job, work = await self.job(job_id), await self.work(job_id)
            if holds(job, work):
                return job
            await asyncio.sleep(0.05)
        raise AssertionError((await self.job(job_id), await self.work(job_id)))


@pytest.fixture
async def scene(
    quiet_market: ChainMarket, store: ContentStore, database_url: str
) -> AsyncIterator[Scene]:
    market = quiet_market
    settings = Settings(
        home=market.home,
        rpc_url=market.chain.rpc_url,
        database_url=database_url,
        heartbeat_s=HEARTBEAT_S,
        refund_after_s=0,
    )
    async with AsyncExitStack() as stack:
        environ = {"IPFS_API": store.api}
        ground = await open_ground(stack, settings, market.scheduler, environ)
        indexer = Indexer(
            ground.w3, ground.escrow, ground.store, ground.signals, ground.clock, ground.me,
            ground.book.deployed_at_block, 0,
        )  # fmt: skip
        parts = (ground.store, ground.signals, ground.clock)
        builder = Builder(*parts, settings, store.api, ground.name)
        stack.push_async_callback(builder.close)
        offering = Offering(ground.account, ground.domain, 60, HEARTBEAT_S)
        assigner = Assigner(*parts, offering)
        assigner.settled()
        vault = Vault(ground.store, ground.signals, None, ground.account, ground.domain)
        worker = Worker(ground, indexer, builder, assigner, _watchtower(ground), vault)
        built: dict[str, Any] = {"cid": TERMS.cid, "digest": Digest(IMAGE), "image_name": ""}
        built |= {"why": "", "tries": 0, "log": "", "lease_until_ms": 0}
        async with ground.store.write() as tx:
            await upsert(tx, t.builds, built)
        scene = Scene(market, ground, [market.provider, market.chain.accounts[5]])
        for agent in scene.agents:
            await market.give(agent, 10 * 10**18)
            await market.send(agent, market.escrow.register(UNITS, RATES))
        await run_loops(stack, [indexer.run, worker.run])
        yield scene


async def test_a_silent_agents_job_lapses_and_goes_on_elsewhere_with_the_deposit_that_is_left(
    scene: Scene,
) -> None:
    market, escrow = scene.market, scene.market.escrow
    for agent in scene.agents:
        await scene.heard(agent)
    terms = await market.with_job()
    job_id = escrow.job_id(terms)
    first = await scene.claim(terms, await scene.offer(job_id, 1))
    await market.pass_time(5)
    report = (job_id, 1, Usage(cpu_ms=1000, wall_s=2))
    await market.send(first, escrow.report_usage([report]))
    running = await scene.until(
        job_id, lambda job, _: job.runs[0].earned > 0 if job.runs else False
    )
    earned = running.runs[0].earned

    await scene.silent(first)
    told = await scene.until(job_id, lambda _, work: "silent since" in work.degraded)
    assert told.state is JobState.RUNNING
    moment = Moment(scene.ground.clock.now(), RULES)
    shown = await show_deployment(scene.ground.store, moment, job_id)
    assert "goes to another" in shown.degraded["job"]

    await market.pass_time(RULES.lapse_after - 8)  # not yet: the contract would not let it
    await asyncio.sleep(2.5)
    assert await escrow.state(job_id) is JobState.RUNNING
    await scene.heard(next(one for one in scene.agents if one is not first))
    await market.pass_time(12)
    again = await scene.until(job_id, lambda job, _: job.attempt == 2)
    assert again.state is JobState.OPEN

    offer = await scene.offer(job_id, 2)
    assert offer.provider != first.address
    second = await scene.claim(terms, offer)
    moved = await scene.until(job_id, lambda job, _: len(job.runs) == 2)
    assert [str(run.provider) for run in moved.runs] == [first.address, second.address]
    assert moved.deposit == moved.deposited - earned
    assert moved.runs[0].earned == earned
    assert (await scene.work(job_id)).degraded == ""


async def test_an_agent_that_is_heard_again_in_time_keeps_its_job(scene: Scene) -> None:
    market, escrow = scene.market, scene.market.escrow
    await scene.heard(scene.agents[0])
    terms = await market.with_job()
    job_id = escrow.job_id(terms)
    agent = await scene.claim(terms, await scene.offer(job_id, 1))
    await scene.until(job_id, lambda job, _: job.state is JobState.RUNNING)
    await scene.silent(agent)
    await scene.until(job_id, lambda _, work: "silent since" in work.degraded)
    await scene.heard(agent)
    await market.pass_time(RULES.lapse_after - 5)
    await market.send(agent, escrow.report_usage([(job_id, 1, Usage(wall_s=1))]))
    await scene.until(job_id, lambda job, work: job.runs[0].earned > 0 and work.degraded == "")
    await market.pass_time(10)
    await asyncio.sleep(1.5)
    assert await escrow.state(job_id) is JobState.RUNNING
