"""The job as the contract sees it: its states, its money, and pure functions of both.

Mirror of `contracts/interfaces/IDRaaSEscrow.sol`; tests hold the two equal. Nothing here does I/O or
reads a clock: time is an argument (seconds, as `block.timestamp`), amounts are token base units.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NewType

JobId = NewType("JobId", str)  # 0x-prefixed 32-byte hash, lower case
Address = NewType("Address", str)  # checksummed
Cid = NewType("Cid", str)  # CIDv1, base32
Digest = NewType("Digest", str)  # "sha256:" and 64 hexadecimal digits
TxHash = NewType("TxHash", str)  # 0x-prefixed

ZERO_ADDRESS = Address("0x" + "00" * 20)
MAX_AMOUNT = 2**80 - 1  # a deposit's storage field
MAX_RATE = 2**64 - 1


class JobState(IntEnum):
    """Where a job stands; the numbers are the contract's."""

    ABSENT = 0
    OPEN = 1
    RUNNING = 2
    ENDED = 3
    DISPUTED = 4
    CLOSED = 5


@dataclass(frozen=True, slots=True)
class Resources:
    """What a job reserves on a machine."""

    cpu_millis: int  # thousandths of a core
    memory_mib: int
    egress_kib_s: int = 0  # KiB a second outbound; 0 means no network


@dataclass(frozen=True, slots=True)
class Rates:
    """Token base units for one unit of each metric."""

    cpu_ms: int
    memory_mib_s: int
    egress_kib: int
    wall_s: int

    def within(self, limit: Rates) -> bool:
        """Whether no rate is above the limit's."""
        return (
            self.cpu_ms <= limit.cpu_ms
            and self.memory_mib_s <= limit.memory_mib_s
            and self.egress_kib <= limit.egress_kib
            and self.wall_s <= limit.wall_s
        )


@dataclass(frozen=True, slots=True)
class Usage:
    """Cumulative metrics of one attempt; they only ever rise."""

    cpu_ms: int = 0
    memory_mib_s: int = 0
    egress_kib: int = 0
    wall_s: int = 0


@dataclass(frozen=True, slots=True)
class JobTerms:
    """All that is agreed when a job is posted; the job's id is a hash of it."""

    consumer: Address
    scheduler: Address
    watcher: Address
    salt: str  # 0x-prefixed 32 bytes
    resources: Resources
    max_rates: Rates
    duration: int  # seconds of running, over all attempts
    claim_within: int  # seconds for which the job stays Open
    cid: Cid


@dataclass(frozen=True, slots=True)
class Job:
    """The stored facts of a job."""

    deposit: int  # base units left for the current attempt, earned part included
    resources: Resources
    deadline: int  # Open: last second to claim; afterwards: second at which the run ends or ended
    duration: int  # seconds of running left at the last claim or lapse
    attempt: int
    state: JobState  # last entered by a transaction; see `state_of`


@dataclass(frozen=True, slots=True)
class Run:
    """The stored facts of one attempt."""

    provider: Address
    started_at: int
    reported_at: int
    rate_card: int
    settled: bool
    usage: Usage
    earned_before: int
    earned_previous: int
    withdrawn: int
    frozen: bool
    ruled: bool


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider's stake."""

    bond: int
    unbond_at: int  # 0 while bonded
    rate_card: int  # 0 means not registered


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the escrow's deployment fixed; seconds and base units."""

    window: int
    lapse_after: int
    settle_grace: int
    min_bond: int
    dispute_bond: int
    ruling_time: int
    unbond_time: int


def cost(usage: Usage, rates: Rates) -> int:
    """Σ metric × rate, in base units: exact, since both are integers."""
    return (
        usage.cpu_ms * rates.cpu_ms
        + usage.memory_mib_s * rates.memory_mib_s
        + usage.egress_kib * rates.egress_kib
        + usage.wall_s * rates.wall_s
    )


def usage_cap(resources: Resources, seconds: int) -> Usage:
    """The most that these resources can have used in so many seconds; the contract pays for no
    more."""
    return Usage(
        cpu_ms=resources.cpu_millis * seconds,
        memory_mib_s=resources.memory_mib * seconds,
        egress_kib=resources.egress_kib_s * seconds,
        wall_s=seconds,
    )


def accepted(usage: Usage, cap: Usage) -> Usage:
    """What the contract takes of reported totals: each at most its cap."""
    return Usage(
        min(usage.cpu_ms, cap.cpu_ms),
        min(usage.memory_mib_s, cap.memory_mib_s),
        min(usage.egress_kib, cap.egress_kib),
        min(usage.wall_s, cap.wall_s),
    )


def max_cost(resources: Resources, rates: Rates, seconds: int) -> int:
    """The most that a run of so many seconds can cost, in base units."""
    return cost(usage_cap(resources, seconds), rates)


def earned(run: Run, rates: Rates, deposit: int) -> int:
    """All that reports have released to the run's provider. For an attempt that lapsed give
    `MAX_AMOUNT` as the deposit: one that had used its deposit up would have ended, not lapsed."""
    return run.earned_previous if run.ruled else min(cost(run.usage, rates), deposit)


def final_earned(run: Run, earned_now: int, window: int, now: int) -> int:
    """The part of `earned_now` that is past the window: what was reported in epoch e is final from
    e + 2 on."""
    if run.ruled:
        return run.earned_previous
    if run.frozen:
        return run.earned_before
    epochs = now // window - run.reported_at // window
    if epochs >= 2:
        return earned_now
    return run.earned_previous if epochs == 1 else run.earned_before


def state_of(job: Job, earned_now: int, now: int) -> JobState:
    """The state at `now`: what was entered by a transaction, and what time alone has brought since.

    Args:
        job: the stored facts.
        earned_now: `earned` of the current attempt; 0 when it has no run.
        now: seconds.
    """
    if job.state is JobState.OPEN and now > job.deadline:
        return JobState.ENDED
    if job.state is JobState.RUNNING and (now >= job.deadline or earned_now >= job.deposit):
        return JobState.ENDED
    return job.state
