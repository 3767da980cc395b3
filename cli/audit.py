"""The demo's own account of a job: read from the chain, reckoned here, held against what was paid."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eth_typing import HexStr

from chain.errors import Unavailable
from chain.events import Event, Released, UsageReported, Withdrawn
from chain.job import Address, Job, JobId, JobState, Rates, Usage
from cli.deploy import Plan
from cli.session import Session

TOLERANCE = 100  # the metered CPU may differ from the kernel's count by one part in so many
KERNEL_FIELD = "kernel_cpu_ms"
OTHERS = ("scheduler", "deployer", "court")


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

    usage: Usage
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


async def read_steps(session: Session, events: Sequence[Event]) -> list[Step]:
    """These events with the gas of their transactions."""
    return [await _step(session, event) for event in events]


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


async def until_paid_out(
    session: Session, job_id: JobId, provider: Address, within_s: float
) -> None:
    """Wait until all is final, by time, and all of it is withdrawn: nothing of the job is left in the escrow.

    Raises:
        Unavailable: it has not, in time.
    """
    ends = asyncio.get_running_loop().time() + within_s
    while await _owes(session, job_id, provider):
        if asyncio.get_running_loop().time() > ends:
            raise Unavailable(
                f"The job was not paid out within {within_s:.0f} seconds.", "See the agent's log."
            )
        await asyncio.sleep(0.2)


async def _owes(session: Session, job_id: JobId, provider: Address) -> bool:
    escrow = session.escrow
    job = await escrow.job(job_id)
    run = await escrow.run(job_id, job.attempt, provider)
    closed = await escrow.state(job_id) is JobState.CLOSED
    return not closed or run.released < run.earned or await escrow.credit(provider) > 0


async def reckon(
    session: Session,
    plan: Plan,
    events: Sequence[Event],
    before: dict[str, int],
    after: dict[str, int],
) -> Account:
    """Hold every balance against metrics × rates: the metrics from the events, the rates from the contract."""
    job: Job = await session.escrow.job(plan.job_id)
    report = [event for event in events if isinstance(event, UsageReported)][-1]
    run = await session.escrow.run(plan.job_id, job.attempt, report.provider)
    rates = await session.escrow.rates(report.provider, job.rate_card)
    used = report.usage
    owed = (
        used.cpu_ms * rates.cpu_ms
        + used.memory_mib_s * rates.memory_mib_s
        + used.egress_kib * rates.egress_kib
        + used.wall_s * rates.wall_s
    )
    paid = min(owed, plan.deposit)
    gained = {name: after[name] - before[name] for name in before}
    credit = await session.escrow.credit(report.provider)
    moved = [event.amount for event in events if isinstance(event, Released | Withdrawn)]
    checks = (
        Check("the provider got metric × rate", paid, gained["provider"]),
        Check("the consumer paid that and got the rest back", -paid, gained["consumer"]),
        Check("the escrow has that on its books, and released all of it", paid, run.released),
        Check("what it told of releasing is that too", paid, sum(moved)),
        Check("nothing waits as the provider's credit", 0, credit),
        Check("the escrow kept nothing of the job", 0, gained["escrow"]),
        Check("nobody else's tokens moved", 0, sum(gained[name] for name in OTHERS)),
        Check("the sum of all balances is what it was", sum(before.values()), sum(after.values())),
    )
    return Account(used, rates, paid, plan.deposit - paid, checks)


def agrees(metered_ms: int, kernel_ms: int) -> bool:
    """Whether the metered CPU is within 1 % of the kernel's own count."""
    return abs(metered_ms - kernel_ms) * TOLERANCE <= kernel_ms
