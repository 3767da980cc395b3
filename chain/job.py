"""The job as the contract sees it: its states, its money, and pure functions of both.

Mirror of `contracts/interfaces/Types.sol`; tests hold the two equal. Nothing here does I/O or
reads a clock: time is an argument (seconds, as `block.timestamp`), amounts are token base units.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NewType, Protocol

JobId = NewType("JobId", str)  # 0x-prefixed 32-byte hash, lower case
Address = NewType("Address", str)  # checksummed
Cid = NewType("Cid", str)  # CIDv1, base32
Digest = NewType("Digest", str)  # "sha256:" and 64 hexadecimal digits
TxHash = NewType("TxHash", str)  # 0x-prefixed

ZERO_ADDRESS = Address("0x" + "00" * 20)
MAX_AMOUNT = 2**72 - 1  # a deposit's storage field
MAX_RESERVE = 2**24 - 1  # of each resource
MAX_RATE = 2**64 - 1


class JobState(IntEnum):
    """Where a job stands; the numbers are the contract's."""

    ABSENT = 0
    OPEN = 1
    RUNNING = 2
    ENDED = 3
    DISPUTED = 4
    CLOSED = 5


class RunState(IntEnum):
    """Where one attempt stands; the numbers are the contract's."""

    ABSENT = 0
    LIVE = 1  # takes reports
    SETTLED = 2  # no more reports
    FROZEN = 3  # under dispute
    RULED = 4  # decided: all that is left is final


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

    deposit: int  # base units held for the current attempt: its earned part, until it is settled, and the rest
    resources: Resources
    deadline: int  # Open: last second to claim; afterwards: second at which the run ends or ended
    duration: int  # Open: seconds of running left; afterwards: from the claim to `deadline`
    rate_card: int  # of the current attempt's provider
    attempt: int
    state: JobState  # last entered by a transaction; see `state_of`
    settled: bool  # the current attempt's earned part has left `deposit`

    @property
    def started_at(self) -> int:
        """Second of the current attempt's claim. Means nothing while the job is Open."""
        return self.deadline - self.duration


@dataclass(frozen=True, slots=True)
class Run:
    """The stored facts of one attempt, found by its job, its number and its provider."""

    earned: int  # base units released by reports in all
    previous: (
        int  # of it, reported before the epoch of the last report; under dispute: what is final
    )
    released: int  # of it, paid out or moved to the provider's credit
    reported_at: int  # second of the last report; of the claim before the first
    state: RunState


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider's bond and record."""

    bonded: int  # units of capacity that the bond stands for
    reserved: int  # of them, held by runs that are not settled
    unbond_at: int  # 0 while it is not leaving
    rate_card: int  # 0 means not registered
    completed: int
    lapsed: int
    disputes_lost: int
    earned: int  # base units, over all settled runs


@dataclass(frozen=True, slots=True)
class DisputeRecord:
    """An open or decided dispute over one run; all zero when there is none of this number."""

    job_id: JobId
    provider: Address
    attempt: int
    open: bool
    opened_at: int
    consumer: Address
    unreported: int  # base units that a live run may have earned since its last report
    opener: Address


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the escrow's deployment fixed; seconds and base units."""

    window: int
    lapse_after: int
    settle_grace: int
    bond_per_unit: int  # for each thousandth of a core or MiB of memory
    dispute_bond: int
    ruling_time: int
    unbond_time: int  # more than two windows and the ruling time
    lapses_per_slash: int
    court_id: int = 0
    min_jurors: int = 0  # 0 leaves it to the court


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


def seconds_to_cover(resources: Resources, usage: Usage) -> int:
    """The whole seconds after which what was reserved covers this usage: the other way round than `usage_cap`."""
    pairs = (
        (usage.cpu_ms, resources.cpu_millis),
        (usage.memory_mib_s, resources.memory_mib),
        (usage.egress_kib, resources.egress_kib_s),
        (usage.wall_s, 1),
    )
    return max((-(-used // rate) for used, rate in pairs if rate > 0), default=0)


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


def earned(usage: Usage, rates: Rates, deposit: int) -> int:
    """What totals as accepted release to the run's provider, in base units: never above the deposit."""
    return min(cost(usage, rates), deposit)


def units_of(resources: Resources) -> int:
    """Units of bonded capacity that a run with these resources holds: a thousandth of a core or a MiB each."""
    return resources.cpu_millis + resources.memory_mib


def final_earned(run: Run, window: int, now: int) -> int:
    """The part of a run's earnings that is past the window. Time is cut into epochs of one window: what was
    reported in epoch e is final from e + 2 on, and a report releases what was final before it."""
    if run.state is RunState.RULED:
        return run.earned
    if run.state is RunState.FROZEN:
        return run.previous
    epochs = now // window - run.reported_at // window
    if epochs >= 2:
        return run.earned
    return run.previous if epochs == 1 else run.released


def closes_at(deadline: int, parameters: Parameters) -> int:
    """First second at which an ended, settled job without deposit is Closed: all that it ever earned is final."""
    last_report = (deadline + parameters.settle_grace) // parameters.window
    return (last_report + 2) * parameters.window


class Stored(Protocol):
    """What of a job its state follows from: of a `Job`, of its facts, of its row."""

    @property
    def state(self) -> JobState: ...
    @property
    def deadline(self) -> int: ...
    @property
    def deposit(self) -> int: ...
    @property
    def settled(self) -> bool: ...


def state_of(job: Stored, now: int, parameters: Parameters) -> JobState:
    """The state at `now`, in seconds: what was entered by a transaction, and what time alone has brought since."""
    if job.state is JobState.OPEN and now > job.deadline:
        return JobState.ENDED
    if job.state is JobState.RUNNING and now >= job.deadline:
        return JobState.ENDED
    if job.state is JobState.ENDED and job.settled and job.deposit == 0:
        return JobState.CLOSED if now >= closes_at(job.deadline, parameters) else JobState.ENDED
    return job.state
