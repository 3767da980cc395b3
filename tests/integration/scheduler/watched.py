"""A claimed job whose scheduler is its watcher, and what becomes of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import httpx

from chain import events as ev
from chain.follow import events_of_job
from chain.job import ZERO_ADDRESS, Address, JobId, JobTerms, Usage, max_cost
from tests.fixtures_chain import ChainMarket

ELAPSED = 60  # seconds of chain time from the claim to the report


@dataclass
class Watched:
    """A claimed job whose scheduler is its watcher."""

    market: ChainMarket
    url: str
    terms: JobTerms
    job_id: JobId
    me: Address

    async def report(self, usage: Usage, after_s: int = ELAPSED) -> None:
        await self.market.pass_time(after_s)
        call = self.market.escrow.report_usage([(self.job_id, 1, usage)])
        await self.market.send(self.market.provider, call)

    async def told(self, *kinds: type) -> list[Any]:
        """The job's events of these kinds."""
        found = await events_of_job(
            self.market.w3, self.market.escrow, self.job_id, self.market.book.deployed_at_block
        )
        return [event for event in found if isinstance(event, kinds)]

    async def shown(self) -> dict[str, Any]:
        """As the scheduler's API tells it."""
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(f"{self.url}/v1/deployments/{self.job_id}")
            while answer.status_code == 404:  # its block is not read yet
                await asyncio.sleep(0.1)
                answer = await http.get(f"{self.url}/v1/deployments/{self.job_id}")
            answer.raise_for_status()
            told: dict[str, Any] = answer.json()
            return told

    async def disputed(self, within_s: float = 20) -> ev.JobDisputed:
        """The dispute, once it is there."""
        for _ in range(round(within_s / 0.2)):
            found = await self.told(ev.JobDisputed)
            if found:
                dispute: ev.JobDisputed = found[0]
                return dispute
            await asyncio.sleep(0.2)
        raise AssertionError(f"no dispute within {within_s} s: {(await self.shown())['why']}")


async def watched(market: ChainMarket, url: str, *, watch: bool = True) -> Watched:
    """The provider has claimed a job."""
    await market.with_provider()
    me = Address(market.scheduler.address)
    terms = replace(market.terms(), watcher=me if watch else ZERO_ADDRESS)
    deposit = max_cost(terms.resources, terms.max_rates, terms.duration)
    await market.give(market.consumer, deposit)
    await market.send(market.consumer, market.escrow.post_job(terms, deposit))
    await market.claimed(terms)
    return Watched(
        market, url, terms, market.escrow.job_id(terms), Address(market.provider.address)
    )


async def evidence_of(job: Watched) -> str:
    """What the dispute names as its evidence, as the scheduler's API tells it."""
    for _ in range(50):
        for event in (await job.shown())["transactions"]:
            if event["event"] == "Evidence":
                return str(event["data"]["evidence"])
        await asyncio.sleep(0.2)
    raise AssertionError("no evidence")
