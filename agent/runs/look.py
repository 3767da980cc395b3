"""What the chain says of our runs: read at one block, with the time that the next block would have."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import structlog
from web3 import AsyncWeb3
from web3.exceptions import Web3Exception

from agent.container.lease import lease_seconds
from agent.observed import OnChain
from chain.clock import ChainClock
from chain.errors import DraasError
from chain.escrow import Escrow
from chain.job import (
    Address,
    Job,
    JobId,
    JobState,
    Parameters,
    Rates,
    Resources,
    RunState,
    Usage,
    accepted,
    cost,
    final_earned,
    state_of,
    usage_cap,
)

log = structlog.get_logger()

# What a node that does not answer, or answers nonsense, makes the libraries raise.
NO_ANSWER = (DraasError, Web3Exception, OSError, TimeoutError, ValueError)
_SECONDS_A_HEAD = 0.5


@dataclass(frozen=True, slots=True)
class Seen:
    """A run on-chain, and its money."""

    chain: OnChain
    rates: Rates
    deposit: int
    lapses_at: int

    @property
    def is_absent(self) -> bool:
        """Whether there is no claim of ours."""
        return self.chain.run is RunState.ABSENT

    @property
    def is_deep(self) -> bool:
        """Whether our claim stands, so deep that it is not expected to be undone."""
        return self.chain.deep_run is RunState.LIVE

    def cost_of(self, used: Usage, reserved: Resources) -> int:
        """What a report of this usage would earn in all, as far as the contract's caps allow."""
        chain = self.chain
        seconds = max(0, min(chain.now, chain.deadline) - chain.started_at)
        return cost(accepted(used, usage_cap(reserved, seconds)), self.rates)

    def exhausts(self, cost_now: int) -> bool:
        """Whether a report of this cost would use the deposit up."""
        return cost_now >= self.deposit


class ChainView:
    """Reads runs. Everything it returns is of one block, but for what is told of as deep.

    Args:
        depth: blocks under which nothing is expected to be undone.
    """

    def __init__(
        self,
        w3: AsyncWeb3[Any],
        escrow: Escrow,
        agent: Address,
        parameters: Parameters,
        depth: int = 0,
    ) -> None:
        self._w3 = w3
        self._escrow = escrow
        self._agent = agent
        self._depth = depth
        self._cards: dict[int, Rates] = {}
        self._head = (0.0, 0, 0)  # when it was looked up; its number and time
        self._looking = asyncio.Lock()
        self.parameters = parameters
        self.clock = ChainClock()
        self.answers = False

    async def look(self, job_id: JobId, attempt: int) -> Seen | None:
        """One run; None when the chain does not answer, which says nothing about the run."""
        try:
            seen = await self._look(job_id, attempt)
        except NO_ANSWER as error:
            self.answers = False
            log.warning("chain.silent", job=job_id, error=str(error)[:300])
            return None
        self.answers = True
        return seen

    async def _look(self, job_id: JobId, attempt: int) -> Seen:
        block, head_time = await self._block()
        below = sorted({max(0, block - self._depth), block})  # one where nothing is waited for
        runs = (self._escrow.run(job_id, attempt, self._agent, block=one) for one in below)
        job, found = await asyncio.gather(
            self._escrow.job(job_id, block=block), asyncio.gather(*runs)
        )
        deep, run = found[0], found[-1]
        live = run.state is RunState.LIVE
        now = self.clock.now()
        final = final_earned(run, self.parameters.window, now)
        chain = OnChain(
            state=state_of(job, now, self.parameters),
            attempt=job.attempt,
            deadline=job.deadline,
            run=run.state,
            taken=run.state is RunState.ABSENT and _was_claimed(job, attempt),
            started_at=job.started_at if live else run.reported_at,
            earned=run.earned,
            final=final,
            released=run.released,
            all_final=final == run.earned and run.state is not RunState.FROZEN,
            now=now,
            head_time=head_time,
            deep_run=deep.state,
            deep_released=deep.released,
        )
        lapses_at = deep.reported_at + self.parameters.lapse_after
        rates = await self._rates(job.rate_card) if live else Rates(0, 0, 0, 0)
        return Seen(chain, rates, job.deposit, lapses_at)

    async def credit(self) -> int:
        """What the escrow holds for us besides what is final of our runs, in base units.

        Raises:
            Unavailable: the chain does not answer.
        """
        return await self._escrow.credit(self._agent)

    def lease_seconds(self, seen: Seen) -> float:
        """How long a run's container may go on without news of the chain."""
        return lease_seconds(seen.lapses_at, self.clock.now(), self.parameters.lapse_after)

    def reached(self, block: int) -> None:
        """The chain is known to have this block: the next look is not at an older one."""
        if block > self._head[1]:
            self._head = (0.0, *self._head[1:])

    async def _block(self) -> tuple[int, int]:
        """Number and time of the head, looked up at most twice a second, by one run for all."""
        async with self._looking:
            at, number, head_time = self._head
            if time.monotonic() - at > _SECONDS_A_HEAD:
                block = await self._w3.eth.get_block("latest")
                number, head_time = int(block["number"]), int(block["timestamp"])
                self.clock.observe(head_time)
                self._head = (time.monotonic(), number, head_time)
            return number, head_time

    async def _rates(self, card: int) -> Rates:
        """One of our rate cards; they never change."""
        if card not in self._cards:
            self._cards[card] = await self._escrow.rates(self._agent, card)
        return self._cards[card]


def _was_claimed(job: Job, attempt: int) -> bool:
    """Whether somebody has claimed this attempt: a job that waits to run is stored as Open, and is Closed when its
    deposit goes back."""
    waits = job.state in (JobState.ABSENT, JobState.OPEN, JobState.CLOSED)
    return job.attempt > attempt or (job.attempt == attempt and not waits)
