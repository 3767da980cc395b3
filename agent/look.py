"""What the chain says of our runs: read at one block, with the time that the next block would have."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import structlog
from web3 import AsyncWeb3
from web3.exceptions import Web3Exception

from agent.lease import lease_seconds
from agent.reconcile import OnChain
from chain.errors import DraasError
from chain.escrow import Escrow
from chain.job import (
    MAX_AMOUNT,
    Address,
    JobId,
    Parameters,
    Rates,
    earned,
    final_earned,
    state_of,
)

log = structlog.get_logger()

# What a node that does not answer, or answers nonsense, makes the libraries raise.
NO_ANSWER = (DraasError, Web3Exception, OSError, TimeoutError, ValueError)
_SECONDS_A_HEAD = 0.5


class ChainClock:
    """The time that the next block would have.

    A chain that makes blocks only for transactions stands still in between, and its clock can have been moved
    ahead of this machine's: so this machine's clock, plus how far the newest head was ahead of it.
    """

    def __init__(self) -> None:
        self._ahead = 0
        self._head_time = 0

    def observe(self, head_time: int) -> None:
        """Note the timestamp of the chain's head."""
        if head_time != self._head_time:
            self._ahead = max(0, head_time - int(time.time()))
            self._head_time = head_time

    def now(self) -> int:
        """Chain time in seconds."""
        return max(self._head_time, int(time.time()) + self._ahead)


@dataclass(frozen=True, slots=True)
class Seen:
    """A run on-chain, and its money."""

    chain: OnChain
    rates: Rates
    deposit: int
    lapses_at: int

    def exhausts(self, cost_now: int) -> bool:
        """Whether a report of this cost would use the deposit up."""
        return cost_now >= self.deposit


class ChainView:
    """Reads runs. Everything it returns is of one block."""

    def __init__(
        self, w3: AsyncWeb3[Any], escrow: Escrow, agent: Address, parameters: Parameters
    ) -> None:
        self._w3 = w3
        self._escrow = escrow
        self._agent = agent
        self._cards: dict[tuple[Address, int], Rates] = {}
        self._head: tuple[float, int] = (0.0, 0)
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
        block = await self._block()
        job = await self._escrow.job(job_id, block=block)
        run = await self._escrow.run(job_id, attempt, block=block)
        rates = await self._rates(run.provider, run.rate_card)
        now, window = self.clock.now(), self.parameters.window
        current = attempt == job.attempt
        ours = earned(run, rates, job.deposit if current else MAX_AMOUNT)
        state = state_of(job, ours if current and run.rate_card else 0, now)
        epochs = now // window - run.reported_at // window
        chain = OnChain(
            state=state,
            attempt=job.attempt,
            deadline=job.deadline,
            provider=run.provider,
            started_at=run.started_at,
            settled=run.settled,
            usage=run.usage,
            earned=ours,
            final=final_earned(run, ours, window, now),
            withdrawn=run.withdrawn,
            frozen=run.frozen,
            all_final=run.ruled or (epochs >= 2 and not run.frozen),
            now=now,
        )
        lapses_at = run.reported_at + self.parameters.lapse_after
        return Seen(chain, rates, job.deposit, lapses_at)

    def lease_seconds(self, seen: Seen) -> float:
        """How long a run's container may go on without news of the chain."""
        return lease_seconds(seen.lapses_at, self.clock.now(), self.parameters.lapse_after)

    async def _block(self) -> int:
        """The number of the head, looked up at most twice a second."""
        at, number = self._head
        if time.monotonic() - at > _SECONDS_A_HEAD:
            block = await self._w3.eth.get_block("latest")
            number = int(block["number"])
            self.clock.observe(int(block["timestamp"]))
            self._head = (time.monotonic(), number)
        return number

    async def _rates(self, provider: Address, card: int) -> Rates:
        if card == 0:
            return Rates(0, 0, 0, 0)
        if (provider, card) not in self._cards:
            self._cards[provider, card] = await self._escrow.rates(provider, card)
        return self._cards[provider, card]
