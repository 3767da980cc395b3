"""The consumers: they post and cancel as planned, and look at the chain whether that is still so."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak
from web3 import AsyncWeb3

from chain.connect import connect
from chain.errors import DraasError, Reverted
from chain.escrow import Escrow
from chain.ipfs import add_folder
from chain.job import ZERO_ADDRESS, Address, JobId, JobState, JobTerms, max_cost
from chain.sender import Sender
from chain.signin import Place
from chain.token import Token
from cli.deploy import read_folder
from cli.signin import Credentials
from tests.chaos.jobs import write_folder
from tests.chaos.market import Market
from tests.chaos.plan import JobPlan, Plan

LOOK_S = 1.5
ALL = 2**255


@dataclass
class Posting:
    """One planned job and how far it is."""

    plan: JobPlan
    terms: JobTerms
    job_id: JobId
    deposit: int
    posted_at: float = 0.0  # seconds of the storm; 0 before

    def is_due(self, now: float) -> bool:
        """Whether it is to be on the chain by now."""
        return now >= self.plan.at_s

    def is_to_end(self, now: float) -> bool:
        """Whether it is to be cancelled by now."""
        after = self.plan.cancel_after_s
        return bool(after and self.posted_at and now >= self.posted_at + after)


class Consumers:
    """All consumers, each with its own key and sender."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._w3: AsyncWeb3[Any] = connect(market.chain.rpc_url)
        self.escrow = Escrow.of(self._w3, market.book)
        self._stack = ExitStack()
        self._senders = [
            self._stack.enter_context(Sender(self._w3, who, market.home / "consumers"))
            for who in market.consumers
        ]
        self.postings: list[Posting] = []
        self._busy: dict[JobId, asyncio.Task[None]] = {}

    async def prepare(self, plan: Plan) -> None:
        """Put the bundles on IPFS, and let the escrow take what the jobs cost."""
        token = Token(self._w3, self._market.book.token, self._market.book.token_abi)
        await asyncio.gather(
            *(one.send(token.approve(self.escrow.address, ALL), "") for one in self._senders)
        )
        for job in plan.jobs:
            folder = write_folder(self._market.home / "folders", job, plan.seed)
            self.postings.append(await self._posting(plan.seed, job, folder))

    async def _posting(self, seed: int, job: JobPlan, folder: Path) -> Posting:
        manifest = read_folder(folder).manifest
        cid = await add_folder(self._market.ipfs_api, folder)
        terms = JobTerms(
            consumer=Address(self._market.consumers[job.consumer].address),
            scheduler=Address(self._market.scheduler.address),
            watcher=ZERO_ADDRESS,
            salt="0x" + keccak(text=f"{seed}/{job.name}").hex(),
            resources=manifest.reserved(),
            max_rates=manifest.max_rates(),
            duration=manifest.duration_s,
            claim_within=manifest.claim_within_s,
            cid=cid,
        )
        deposit = max_cost(terms.resources, terms.max_rates, terms.duration)
        return Posting(job, terms, self.escrow.job_id(terms), deposit)

    async def work(self, now: Any) -> None:
        """Do what is due, and what the chain has undone again, until cancelled.

        Args:
            now: the storm's clock.
        """
        watches = [asyncio.create_task(sender.watch()) for sender in self._senders]
        try:
            while True:
                for posting in self.postings:
                    if posting.is_due(now()) and posting.job_id not in self._busy:
                        task = asyncio.create_task(self._see_to(posting, now))
                        self._busy[posting.job_id] = task
                        task.add_done_callback(partial(self._done, posting.job_id))
                await asyncio.sleep(LOOK_S)
        finally:
            for task in [*watches, *self._busy.values()]:
                task.cancel()
            await asyncio.gather(*watches, *self._busy.values(), return_exceptions=True)

    def _done(self, job_id: JobId, _: asyncio.Task[None]) -> None:
        del self._busy[job_id]

    async def _see_to(self, posting: Posting, now: Any) -> None:
        sender = self._senders[posting.plan.consumer]
        try:
            state = await self.escrow.state(posting.job_id)
            if state is JobState.ABSENT:
                call = self.escrow.post_job(posting.terms, posting.deposit)
                await sender.send(call, f"post/{posting.job_id}")
                posting.posted_at = posting.posted_at or now()
            elif state in (JobState.OPEN, JobState.RUNNING) and posting.is_to_end(now()):
                call = self.escrow.cancel_job(posting.terms)
                await sender.send(call, f"cancel/{posting.job_id}")
        except Reverted:
            return  # it has ended meanwhile
        except DraasError:
            return  # looked at again

    def credentials(self, job_id: str) -> Credentials:
        """With which a job's consumer signs in."""
        posting = next(one for one in self.postings if one.job_id == job_id)
        market = self._market
        account = market.consumers[posting.plan.consumer]
        place = Place(Address(market.scheduler.address), market.book.chain_id)
        return Credentials(account, place, market.home / "consumers")

    async def open_jobs(self) -> list[Posting]:
        """The jobs that are not closed yet."""
        states = await asyncio.gather(*(self.escrow.state(one.job_id) for one in self.postings))
        return [
            one
            for one, state in zip(self.postings, states, strict=True)
            if state is not JobState.CLOSED
        ]

    async def close(self) -> None:
        """Let the keys go."""
        self._stack.close()
        await self._w3.provider.disconnect()
