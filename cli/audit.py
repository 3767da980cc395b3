"""The demo's own account of a job: read from the chain, reckoned here, held against what was paid."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

from eth_typing import HexStr

from chain.errors import Unavailable
from chain.events import Event
from chain.follow import next_batch
from chain.job import Address, Job, JobId, JobState, Rates, Run
from cli.deploy import Plan
from cli.session import Session

TOLERANCE = 100  # the metered CPU may differ from the kernel's count by one part in so many
KERNEL_FIELD = "kernel_cpu_ms"


@dataclass(frozen=True, slots=True)
class Step:
    """One event of the job with what its transaction cost."""

    event: str
    tx_hash: str
    gas: int
    at: int


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so."""

    what: str
    expected: int
    found: int

    @property
    def holds(self) -> bool:
        """Whether it is so."""
        return self.expected == self.found


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the deposit, reckoned from metrics × rates."""

    run: Run
    rates: Rates
    paid: int
    refunded: int
    checks: tuple[Check, ...]


async def balances(session: Session, holders: Mapping[str, Address]) -> dict[str, int]:
    """Tokens of each holder, at this moment."""
    amounts = await asyncio.gather(
        *(session.token.balance_of(address) for address in holders.values())
    )
    return dict(zip(holders, amounts, strict=True))


async def read_steps(session: Session, job_id: JobId) -> list[Step]:
    """Every event of the job, in the chain's order, with the gas of its transaction."""
    batch = await next_batch(session.w3, session.escrow, None, 0, 0)
    return [
        await _step(session, event)
        for event in batch.events
        if getattr(event, "job_id", None) == job_id
    ]


async def _step(session: Session, event: Event) -> Step:
    receipt = await session.w3.eth.get_transaction_receipt(HexStr(event.at.tx_hash))
    return Step(type(event).__name__, event.at.tx_hash, receipt["gasUsed"], event.at.timestamp)


async def kernel_cpu_ms(session: Session, job_id: JobId) -> int:
    """The program's processor time by the kernel's accounting of its process (getrusage, which the program prints
    last): another account than the control group's, which the agent meters from.

    Raises:
        Unavailable: the program's last line did not arrive.
    """
    async for event in session.api.logs(job_id, follow=False):
        if KERNEL_FIELD in event.line.text:
            return int(json.loads(event.line.text)[KERNEL_FIELD])
    raise Unavailable("The program's own account of its time is not among its log lines.")


async def until_closed(session: Session, job_id: JobId, within_s: float) -> None:
    """Wait until everything has been refunded and withdrawn.

    Raises:
        Unavailable: it has not, in time.
    """
    ends = asyncio.get_running_loop().time() + within_s
    while (await session.escrow.job(job_id)).state is not JobState.CLOSED:
        if asyncio.get_running_loop().time() > ends:
            raise Unavailable(
                f"The job was not closed within {within_s:.0f} seconds.", "See the agent's log."
            )
        await asyncio.sleep(0.2)


async def reckon(
    session: Session, plan: Plan, before: dict[str, int], after: dict[str, int]
) -> Account:
    """Hold every balance against metrics × rates."""
    job: Job = await session.escrow.job(plan.job_id)
    run = await session.escrow.run(plan.job_id, job.attempt)
    rates = await session.escrow.rates(run.provider, run.rate_card)
    used = run.usage
    owed = (
        used.cpu_ms * rates.cpu_ms
        + used.memory_mib_s * rates.memory_mib_s
        + used.egress_kib * rates.egress_kib
        + used.wall_s * rates.wall_s
    )
    paid = min(owed, plan.deposit)
    gained = {name: after[name] - before[name] for name in before}
    checks = (
        Check("the provider got metric × rate", paid, gained["provider"]),
        Check("the consumer paid that and got the rest back", -paid, gained["consumer"]),
        Check("the provider has withdrawn all of it", paid, run.withdrawn),
        Check("the escrow kept nothing of the job", 0, gained["escrow"]),
        Check("nobody else's tokens moved", 0, gained["scheduler"] + gained["deployer"]),
        Check("the sum of all balances is what it was", sum(before.values()), sum(after.values())),
    )
    return Account(run, rates, paid, plan.deposit - paid, checks)


def agrees(metered_ms: int, kernel_ms: int) -> bool:
    """Whether the metered CPU is within 1 % of the kernel's own count."""
    return abs(metered_ms - kernel_ms) * TOLERANCE <= kernel_ms
