"""What the escrow tells: one frozen class an event, fields as in the contract, amounts in base units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chain.job import Address, Digest, JobId, JobTerms, Rates, TxHash, Usage


@dataclass(frozen=True, slots=True)
class EventPlace:
    """Where an event stands on the chain. (block_hash, log_index) tells it from every other, for ever."""

    block_number: int
    block_hash: str
    log_index: int
    tx_hash: TxHash
    timestamp: int  # of its block, seconds


@dataclass(frozen=True, slots=True)
class JobPosted:
    """A job with its deposit. Told of terms whose cid is no text, `Escrow.job_id(terms)` differs from `job_id`."""

    job_id: JobId
    consumer: Address
    scheduler: Address
    deposit: int
    claim_by: int
    terms: JobTerms
    at: EventPlace


@dataclass(frozen=True, slots=True)
class JobToppedUp:
    """More deposit."""

    job_id: JobId
    from_: Address
    amount: int
    at: EventPlace


@dataclass(frozen=True, slots=True)
class JobClaimed:
    """An attempt begins."""

    job_id: JobId
    provider: Address
    attempt: int
    rate_card: int
    image: Digest
    deadline: int
    at: EventPlace


@dataclass(frozen=True, slots=True)
class UsageReported:
    """Totals as accepted, and all that the attempt has earned by now."""

    job_id: JobId
    provider: Address
    attempt: int
    usage: Usage
    earned: int
    at: EventPlace


@dataclass(frozen=True, slots=True)
class ReportSkipped:
    """One item of a batch was not accepted; `reason` is the error's name."""

    job_id: JobId
    attempt: int
    reason: str
    at: EventPlace


@dataclass(frozen=True, slots=True)
class JobCompleted:
    """The provider ended the run."""

    job_id: JobId
    provider: Address
    attempt: int
    exit_code: int
    result_cid: str
    at: EventPlace


@dataclass(frozen=True, slots=True)
class JobCancelled:
    """The consumer ended the job: an Open one is Closed and `refunded`, a Running one is Ended."""

    job_id: JobId
    refunded: int
    at: EventPlace


@dataclass(frozen=True, slots=True)
class JobDeclined:
    """The scheduler gave the deposit back."""

    job_id: JobId
    scheduler: Address
    reason: str
    at: EventPlace


@dataclass(frozen=True, slots=True)
class JobLapsed:
    """The attempt's agent fell silent; the job is open again."""

    job_id: JobId
    provider: Address
    attempt: int
    earned: int
    claim_by: int
    at: EventPlace


@dataclass(frozen=True, slots=True)
class JobSettled:
    """The provider missed the time for its last report; `earned` has left the deposit."""

    job_id: JobId
    provider: Address
    attempt: int
    earned: int
    at: EventPlace


@dataclass(frozen=True, slots=True)
class Refunded:
    """Unspent deposit went back."""

    job_id: JobId
    consumer: Address
    amount: int
    at: EventPlace


@dataclass(frozen=True, slots=True)
class Released:
    """Final earnings moved to the provider's credit."""

    job_id: JobId
    provider: Address
    attempt: int
    amount: int
    at: EventPlace


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Final earnings went to the provider."""

    job_id: JobId
    provider: Address
    attempt: int
    amount: int
    at: EventPlace


@dataclass(frozen=True, slots=True)
class JobDisputed:
    """What is not final of an attempt is frozen."""

    job_id: JobId
    dispute_id: int
    opener: Address
    provider: Address
    attempt: int
    frozen: int
    at: EventPlace


@dataclass(frozen=True, slots=True)
class DisputeRuled:
    """The frozen part is split; `share` of 10,000 to the provider. `costs` left the deposit for it besides."""

    job_id: JobId
    dispute_id: int
    attempt: int
    share: int
    to_provider: int
    to_consumer: int
    costs: int
    at: EventPlace


@dataclass(frozen=True, slots=True)
class Ruling:
    """The arbitrator's word on a dispute, just before `DisputeRuled` (ERC-792); none when its time was over."""

    arbitrator: Address
    dispute_id: int
    ruling: int  # 1 and the share; 0: it refused to rule
    at: EventPlace


@dataclass(frozen=True, slots=True)
class Evidence:
    """One document about a dispute, by its path on IPFS (ERC-1497). The group has the dispute's number."""

    arbitrator: Address
    evidence_group_id: int
    party: Address
    evidence: str
    at: EventPlace


@dataclass(frozen=True, slots=True)
class BondSlashed:
    """The bond of one run was taken from its provider."""

    provider: Address
    job_id: JobId
    units: int
    amount: int
    at: EventPlace


@dataclass(frozen=True, slots=True)
class CreditWithdrawn:
    """Credit was paid out."""

    account: Address
    amount: int
    at: EventPlace


@dataclass(frozen=True, slots=True)
class ProviderRegistered:
    """The provider's whole bond from now on, in units of capacity."""

    provider: Address
    bonded: int
    at: EventPlace


@dataclass(frozen=True, slots=True)
class RatesSet:
    """A new rate card."""

    provider: Address
    rate_card: int
    rates: Rates
    at: EventPlace


@dataclass(frozen=True, slots=True)
class UnbondStarted:
    """The provider leaves."""

    provider: Address
    unbond_at: int
    at: EventPlace


@dataclass(frozen=True, slots=True)
class BondWithdrawn:
    """The provider has left."""

    provider: Address
    amount: int
    at: EventPlace


JobEvent = (
    JobPosted
    | JobToppedUp
    | JobClaimed
    | UsageReported
    | ReportSkipped
    | JobCompleted
    | JobCancelled
    | JobDeclined
    | JobLapsed
    | JobSettled
    | Refunded
    | Released
    | Withdrawn
    | JobDisputed
    | DisputeRuled
    | BondSlashed
)
AccountEvent = CreditWithdrawn | ProviderRegistered | RatesSet | UnbondStarted | BondWithdrawn
DisputeEvent = Ruling | Evidence
Event = JobEvent | AccountEvent | DisputeEvent
CLASSES: dict[str, Any] = {
    kind.__name__: kind
    for kind in (*JobEvent.__args__, *AccountEvent.__args__, *DisputeEvent.__args__)
}
