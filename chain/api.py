"""The bodies of the scheduler's HTTP API, under /v1. Same conventions as `chain.wire`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chain.manifest import Manifest
from chain.wire import (
    AddressText,
    AmountText,
    Base64Text,
    DigestText,
    HashText,
    Health,
    OutcomeBody,
    RatesBody,
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
    deployed_at_block: Whole  # that the escrow was made in
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

    cid: str  # as posted: a stranger may have posted any text
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


class TransactionPage(Wire):
    """GET /v1/deployments/{job_id}/transactions, in the chain's order."""

    items: list[TransactionBody]
    next: str | None


class RunBody(Wire):
    attempt: Whole
    provider: AddressText
    chosen_why: str = ""  # why the scheduler gave it to this provider
    started_at: Whole
    rates: RatesBody
    usage: UsageBody  # as accepted by the contract
    metered: UsageBody  # as last seen from the agent
    earned: AmountText
    released: AmountText  # of it, paid out or moved to the provider's credit
    image: DigestText
    exit_code: int | None = None
    result_cid: str | None = None
    evidence: str = ""  # CID of its usage ledger, once its agent has published it
    runtime: str = ""  # runc or gvisor, as the agent says


State = Literal["Open", "Running", "Ended", "Disputed", "Closed"]
Ending = Literal["JobCompleted", "JobCancelled", "JobDeclined"]


class GroupBody(Wire):
    """Which of the jobs that belong together this is: `chain.group`."""

    id: Annotated[str, Field(pattern=r"^0x[0-9a-f]{48}$")]
    kind: Literal["verify", "replicas"]
    index: Whole  # from 0
    size: Whole


class DeploymentSummary(Wire):
    """One deployment in a list: what a line of it shows."""

    job_id: HashText
    name: str
    consumer: AddressText
    cid: str
    state: State
    phase: Phase
    why: str  # why it waits, failed or ended, for the consumer to read
    since: Whole
    deposit: AmountText  # all that was put in, top-ups included
    refunded: AmountText
    earned: AmountText  # by all runs
    posted_at: Whole
    claim_by: Whole
    ends_by: Whole | None
    attempts: Whole  # runs so far
    provider: AddressText | None  # of the newest run
    exit_code: int | None  # of the newest run
    endings: list[Ending]  # those of its events that say how it ended
    health: Health = ""  # of the program, while it runs and its manifest has it checked
    restarts: Whole = 0  # how often the current run's program was started again
    ports: list[Whole] = Field(default_factory=list)  # of a service
    group: GroupBody | None = None


class Endpoint(Wire):
    """Where one port of a service is reached; the first of a deployment is its main one."""

    port: Whole
    url: str  # through the scheduler: by a host name of its own where there is one, else by path
    path_url: str  # through the scheduler, by path: a page there is sandboxed, and has no cookies
    direct_url: str | None = None  # at the agent, as it says; it may be reachable from nowhere


class OutcomeAnswer(Wire):
    """GET /v1/deployments/{job_id}/outcome: what the newest run's provider vouches for, for the consumer's eyes alone
    until it is on the chain: another provider could copy it."""

    attempt: Whole
    provider: AddressText | None
    outcome: OutcomeBody | None


class TicketBody(Wire):
    """GET /v1/deployments/{job_id}/ticket: shows the run's agent that its bearer may read of it."""

    ticket: str  # goes as `Authorization: Bearer`
    attempt: Whole
    expires_at: Whole
    agent_url: str | None  # as the agent says


class Deployment(DeploymentSummary):
    """GET /v1/deployments/{job_id}."""

    terms: TermsBody
    runs: list[RunBody]
    transactions: list[TransactionBody]  # in the chain's order: the newest, and all disputes
    logs_public: bool  # the bundle's manifest lets everybody read them
    endpoints: list[Endpoint] = Field(default_factory=list)  # of a service's ports
    degraded: dict[str, str]  # what does not answer just now, and so may hold it up -> why


class DeploymentPage(Wire):
    items: list[DeploymentSummary]
    next: str | None  # give it back as `cursor` for the next page


class SealedBody(Wire):
    """Sealed secrets: POST /v1/deployments/{job_id}/secrets, and the answer to the agent that asks for them."""

    sealed: Annotated[Base64Text, Field(max_length=65_000)]


class SecretNames(Wire):
    """The secrets of a job that the scheduler keeps: what they are called."""

    names: list[str]


# ---- sessions (EIP-4361) --------------------------------------------------------------------


class SessionNonce(Wire):
    """POST /v1/session/nonce: what the message to sign has to hold."""

    nonce: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{8,120}$")]
    statement: str
    chain_id: Whole
    expires_at: Whole


class SignIn(Wire):
    """POST /v1/session: an EIP-4361 message and the consumer's signature (EIP-191) of it."""

    message: Annotated[str, Field(min_length=1, max_length=4000)]
    signature: Annotated[str, Field(pattern=r"^0x[0-9a-f]{130}$")]


class SignedIn(Wire):
    """Signed in: the token goes with each request as `Authorization: Bearer`, or as the cookie that came with it."""

    token: str
    address: AddressText
    expires_at: Whole


class SessionBody(Wire):
    """GET /v1/session: who the caller is."""

    address: AddressText
    role: Literal["consumer", "agent"]
    expires_at: Whole
