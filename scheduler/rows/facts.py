"""A job as its events tell it: what `scheduler.index.fold` makes of them, and what follows from that at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

from chain.job import (
    Address,
    Digest,
    JobId,
    JobState,
    JobTerms,
    Parameters,
    Usage,
    state_of,
)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One stint of a job on one provider, as accepted by the contract. Amounts in base units."""

    attempt: int
    provider: Address
    rate_card: int
    image: Digest
    started_at: int
    reported_at: int
    usage: Usage = field(default_factory=Usage)
    earned: int = 0
    released: int = 0  # of it, paid out or moved to the provider's credit
    settled: bool = False  # it takes no more reports, and what it earned has left the job's deposit
    exit_code: int | None = None
    result_cid: str | None = None
    dispute_id: str | None = None  # the court's number, as text: it may have 256 bits
    ruling: int | None = None  # the court's word; None before it, and when its time was over


@dataclass(frozen=True, slots=True)
class JobFacts:
    """All that the chain says of one job. `deposit` is what the contract holds for the current attempt: what that
    has earned, until it is settled, and the rest."""

    job_id: JobId
    terms: JobTerms
    posted_at: int
    posted_block: int
    posted_index: int
    claim_by: int
    deposited: int
    deposit: int
    deadline: int
    duration: int
    rate_card: int = 0
    attempt: int = 1
    state: JobState = JobState.OPEN
    settled: bool = False
    refunded: int = 0
    ended_why: str = ""
    alarm: str = ""
    runs: tuple[RunFacts, ...] = ()

    def run(self, attempt: int) -> RunFacts | None:
        """The stint of that number, when there was one."""
        return next((run for run in self.runs if run.attempt == attempt), None)

    @property
    def current(self) -> RunFacts | None:
        """The current attempt's run."""
        return self.run(self.attempt)

    @property
    def unspent(self) -> int:
        """What of the deposit the current attempt has not earned."""
        run = self.current
        return self.deposit - (run.earned if run and not self.settled else 0)

    def state_at(self, now: int, rules: Parameters) -> JobState:
        """The state at chain time `now`, exactly as the contract's `stateOf` derives it."""
        return state_of(self, now, rules)


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    """All that the chain says of one provider, but for what its runs hold of its bond."""

    provider: Address
    bonded: int = 0  # units of capacity
    unbond_at: int = 0  # 0 while it is not leaving
    rate_card: int = 0
    completed: int = 0
    lapsed: int = 0
    disputes_lost: int = 0
