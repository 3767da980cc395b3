"""The bodies of the scheduler's HTTP API that are about the market as a whole, beside `chain.api`."""

from __future__ import annotations

from chain.api import State
from chain.wire import (
    AddressText,
    AmountText,
    HashText,
    RatesBody,
    ResourcesBody,
    UsageBody,
    Whole,
    Wire,
)


class ChainBody(Wire):
    """How far the chain is read."""

    head: Whole
    read: Whole
    lag_blocks: Whole
    synced: bool
    fault: str


class CopyBody(Wire):
    """One scheduler process that shares the work."""

    name: str
    agents: Whole  # whose sessions it holds
    working_on: Whole  # jobs


class Overview(Wire):
    """GET /v1/overview: the market in figures, a second or so old."""

    jobs: dict[State, Whole]
    phases: dict[str, Whole]  # of what waits or runs
    due: Whole  # jobs that wait for the scheduler to look
    agents: Whole
    agents_live: Whole
    chain: ChainBody
    copies: list[CopyBody]
    degraded: dict[str, str]


class RecordBody(Wire):
    """What the chain says of a provider: how it has kept its word, and what stands behind it. Units are of capacity."""

    completed: Whole
    lapsed: Whole
    disputes_lost: Whole
    bonded_units: Whole  # 0: it has left, or its bond is lost
    reserved_units: Whole  # of them, held by runs that are not settled


class AgentBody(Wire):
    """GET /v1/agents."""

    agent: AddressText
    url: str | None
    live: bool
    last_seen_ms: Whole
    capacity: ResourcesBody
    attributes: dict[str, str]
    runtimes: list[str]  # runc, gvisor; with "+network" too where such jobs may have one
    gpus: Whole
    free: ResourcesBody  # what is not yet assigned
    rates: RatesBody | None
    cpu_percent: float
    memory_used_mib: Whole
    disk_free_mib: Whole
    running: Whole
    draining: bool = False  # it takes no new jobs
    gpus_free: Whole = 0
    record: RecordBody | None = None  # None: it never registered


class AgentPage(Wire):
    items: list[AgentBody]
    next: str | None


class SpendingBody(Wire):
    """One usage report, as the chain took it: what it added to the totals before it."""

    job_id: HashText
    name: str  # of the deployment, by its manifest
    attempt: Whole
    consumer: AddressText
    provider: AddressText
    at: Whole  # Unix seconds of its block
    block: Whole
    tx_hash: HashText
    earned: AmountText
    usage: UsageBody


class SpendingPage(Wire):
    """GET /v1/spending, newest first."""

    items: list[SpendingBody]
    next: str | None


class DueRun(Wire):
    """A run that has earned what was not paid out yet; part of it may be in its window still."""

    job_id: HashText
    attempt: Whole
    earned: AmountText  # base units, as all below
    released: AmountText


class DuePage(Wire):
    """GET /v1/due, by job."""

    items: list[DueRun]
    next: str | None


class News(Wire):
    """GET /v1/market/events: what is worth asking for again."""

    head: Whole  # the chain's newest block
    read: Whole  # the last one that the answers of this scheduler tell of
    block: bool  # whether there is another one, or another was read
    parties: list[AddressText] | None  # whose deployments may have changed; None: anybody's
    agents: bool  # whether GET /v1/agents may have
