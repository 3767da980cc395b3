"""What the escrow tells: one frozen class an event, fields as in the contract, amounts in base units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, get_type_hints

from eth_abi.exceptions import DecodingError

from chain.interface import CODEC, Interface, Signature, from_abi, types_of
from chain.job import Address, Cid, Digest, JobId, JobTerms, Rates, TxHash, Usage


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
    """The consumer ended the job."""

    job_id: JobId
    attempt: int
    deadline: int
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
class Refunded:
    """Unspent deposit went back."""

    job_id: JobId
    consumer: Address
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
    opener: Address
    attempt: int
    frozen: int
    evidence_cid: Cid
    at: EventPlace


@dataclass(frozen=True, slots=True)
class DisputeRuled:
    """The frozen part is split; `share` of 10,000 to the provider."""

    job_id: JobId
    attempt: int
    share: int
    to_provider: int
    to_consumer: int
    at: EventPlace


@dataclass(frozen=True, slots=True)
class CreditWithdrawn:
    """Credit was paid out."""

    account: Address
    amount: int
    at: EventPlace


@dataclass(frozen=True, slots=True)
class ProviderRegistered:
    """The provider's whole bond from now on."""

    provider: Address
    bond: int
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
    | Refunded
    | Withdrawn
    | JobDisputed
    | DisputeRuled
)
AccountEvent = CreditWithdrawn | ProviderRegistered | RatesSet | UnbondStarted | BondWithdrawn
Event = JobEvent | AccountEvent
CLASSES: dict[str, Any] = {
    kind.__name__: kind for kind in (*JobEvent.__args__, *AccountEvent.__args__)
}


def decode(interface: Interface, log: Mapping[str, Any], timestamp: int) -> Event | None:
    """A log of the escrow, as its node gave it (JSON), as an event; None when it is none of these.

    Args:
        interface: the escrow's.
        log: with `topics`, `data` and its place, all hexadecimal text.
        timestamp: of the log's block.
    """
    topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
    known = interface.events.get(topics[0]) if topics else None
    if known is None or known.name not in CLASSES:
        return None
    kind = CLASSES[known.name]
    try:
        values = _values(known, topics[1:], bytes.fromhex(log["data"][2:]))
    except DecodingError:
        return None  # the same name and types, indexed otherwise: another contract's
    typed = [from_abi(hint, value) for hint, value in zip(_hints(kind), values, strict=True)]
    event: Event = kind(*typed, at=_place(log, timestamp))
    return _with_reason(event, interface)


def _values(known: Signature, topics: list[bytes], data: bytes) -> list[Any]:
    """Arguments in the order of the event's declaration; some stand in topics, the others in the data."""
    indexed = [one for one in known.inputs if one["indexed"]]
    plain = [one for one in known.inputs if not one["indexed"]]
    if len(topics) != len(indexed):
        raise DecodingError("another number of topics")
    from_topics = iter(
        [
            CODEC.decode(types_of([one]), topic)[0]
            for one, topic in zip(indexed, topics, strict=True)
        ]
    )
    from_data = iter(CODEC.decode(types_of(plain), data))
    return [next(from_topics if one["indexed"] else from_data) for one in known.inputs]


def _place(log: Mapping[str, Any], timestamp: int) -> EventPlace:
    return EventPlace(
        block_number=int(log["blockNumber"], 16),
        block_hash=log["blockHash"],
        log_index=int(log["logIndex"], 16),
        tx_hash=TxHash(log["transactionHash"]),
        timestamp=timestamp,
    )


def _with_reason(event: Event, interface: Interface) -> Event:
    if not isinstance(event, ReportSkipped):
        return event
    error = interface.errors.get(bytes.fromhex(event.reason.removeprefix("0x")))
    return replace(event, reason=error.name) if error else event


@cache
def _hints(kind: type) -> tuple[Any, ...]:
    hints = get_type_hints(kind)
    return tuple(hints[field.name] for field in fields(kind)[:-1])
