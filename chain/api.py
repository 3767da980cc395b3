"""The bodies of the scheduler's HTTP API, under /v1. Same conventions as `chain.wire`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chain.manifest import Manifest
from chain.wire import (
    AddressText,
    AmountText,
    CidText,
    DigestText,
    HashText,
    RatesBody,
    ResourcesBody,
    TermsBody,
    UsageBody,
    Whole,
    Wire,
)


class Market(Wire):
    """GET /v1/market: where this market lives and by which rules."""

    chain_id: Whole
    escrow: AddressText
    token: AddressText
    court: AddressText  # rules disputes
    scheduler: AddressText
    window: Whole
    lapse_after: Whole
    settle_grace: Whole
    max_bundle_bytes: Whole
    gateway: str  # base URL of the trustless IPFS gateway, or ""


class UnsignedTx(Wire):
    """A transaction for the consumer's wallet to fill in, sign and send."""

    chain_id: Whole
    to: AddressText
    data: Annotated[str, Field(pattern=r"^0x[0-9a-f]*$")]
    value: AmountText = "0"


class Estimate(Wire):
    """What a job can cost, and who could take it now."""

    deposit: AmountText  # the most that can be spent: reserved at max_rates for the whole duration
    cheapest: AmountText | None  # the same at the cheapest fitting agent's rates
    agents_fitting: Whole
    why_not: dict[str, int]  # requirement -> how many live agents fail it


class BundleReceipt(Wire):
    """POST /v1/bundles (body: a tar of the folder; query: consumer, salt?)."""

    cid: CidText
    manifest: Manifest
    terms: TermsBody
    job_id: HashText
    deposit: AmountText
    estimate: Estimate
    approval: UnsignedTx  # token.approve(escrow, deposit), when no permit is used
    transaction: UnsignedTx  # escrow.postJob(terms, deposit)


Phase = Literal[
    "fetching", "building", "placing", "assigned", "claimed", "running", "ended", "failed", "closed"
]


class TransactionBody(Wire):
    """One event of a job's life, with its transaction."""

    event: str  # the contract event's name
    tx_hash: HashText
    block: Whole
    at: Whole
    data: dict[str, str]  # the event's arguments, as text


class RunBody(Wire):
    attempt: Whole
    provider: AddressText
    started_at: Whole
    rates: RatesBody
    usage: UsageBody  # as accepted by the contract
    metered: UsageBody  # as last seen from the agent
    earned: AmountText
    released: AmountText  # of it, paid out or moved to the provider's credit
    image: DigestText
    exit_code: int | None = None
    result_cid: str | None = None


class Deployment(Wire):
    """GET /v1/deployments/{job_id}."""

    job_id: HashText
    name: str
    consumer: AddressText
    cid: str
    state: Literal["Open", "Running", "Ended", "Disputed", "Closed"]
    phase: Phase
    why: str  # why it waits, failed or ended, for the consumer to read
    since: Whole
    deposit: AmountText  # all that was put in, top-ups included
    refunded: AmountText
    posted_at: Whole
    claim_by: Whole
    ends_by: Whole | None
    terms: TermsBody
    runs: list[RunBody]
    transactions: list[TransactionBody]


class DeploymentPage(Wire):
    items: list[Deployment]
    next: str | None  # give it back as `cursor` for the next page


class AgentBody(Wire):
    """GET /v1/agents."""

    agent: AddressText
    url: str | None
    live: bool
    last_seen_ms: Whole
    capacity: ResourcesBody
    attributes: dict[str, str]
    free: ResourcesBody  # what is not yet assigned
    rates: RatesBody | None
    cpu_percent: float
    memory_used_mib: Whole
    disk_free_mib: Whole
    running: Whole


class AgentPage(Wire):
    items: list[AgentBody]
    next: str | None
