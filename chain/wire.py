"""What crosses between machines: the messages on the agent's link, and the parts that `chain.api` shares.

Amounts are decimal strings of token base units, since JSON numbers lose digits. Times are Unix milliseconds
where the name ends in `_ms`, Unix seconds otherwise. Hashes are 0x-prefixed hexadecimal.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from chain.manifest import Manifest

AddressText = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{40}$")]
HashText = Annotated[str, Field(pattern=r"^0x[0-9a-f]{64}$")]
DigestText = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
CidText = Annotated[str, Field(pattern=r"^b[a-z2-7]{20,120}$")]
AmountText = Annotated[str, Field(pattern=r"^[0-9]{1,78}$")]
Why = Annotated[str, Field(max_length=2000)]
Whole = Annotated[int, Field(ge=0, le=2**63 - 1)]


class Wire(BaseModel):
    """Base of all that is sent: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ResourcesBody(Wire):
    cpu_millis: Whole
    memory_mib: Whole
    egress_kib_s: Whole = 0


class RatesBody(Wire):
    """Base units for one unit of each metric."""

    cpu_ms: AmountText
    memory_mib_s: AmountText
    egress_kib: AmountText
    wall_s: AmountText


class UsageBody(Wire):
    cpu_ms: Whole = 0
    memory_mib_s: Whole = 0
    egress_kib: Whole = 0
    wall_s: Whole = 0


class TermsBody(Wire):
    """`JobTerms` as JSON."""

    consumer: AddressText
    scheduler: AddressText
    watcher: AddressText
    salt: HashText
    resources: ResourcesBody
    max_rates: RatesBody
    duration: Whole
    claim_within: Whole
    cid: CidText


# ---- the agent's link: one WebSocket, opened by the agent at /v1/agents/link ----------------


class Challenge(Wire):
    """First message, from the scheduler: sign this."""

    type: Literal["challenge"] = "challenge"
    nonce: HashText
    scheduler: AddressText
    chain_id: Whole
    escrow: AddressText


class Hello(Wire):
    """The agent's answer: EIP-712 `AgentLogin` over the nonce, and what the agent offers."""

    type: Literal["hello"] = "hello"
    agent: AddressText
    signature: Annotated[str, Field(pattern=r"^0x[0-9a-f]{130}$")]
    url: Annotated[str, Field(max_length=200)] | None = (
        None  # http://AGENT_IP:AGENT_PORT, where reachable
    )
    version: Annotated[str, Field(max_length=40)] = ""
    capacity: ResourcesBody


class Welcome(Wire):
    """Logged in. For each run of this agent, the last log line the scheduler has stored."""

    type: Literal["welcome"] = "welcome"
    heartbeat_s: Whole
    cursors: dict[str, int]  # "jobId/attempt" -> seq; -1 or absent: none


LedgerHead = Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
RunPhase = Literal[
    "accepted",
    "refused",
    "claiming",
    "pulling",
    "starting",
    "running",
    "stopping",
    "completing",
    "finished",
]


class RunStatus(Wire):
    """Where one run stands on the agent."""

    job_id: HashText
    attempt: Whole
    phase: RunPhase
    why: Why = ""
    usage: UsageBody = UsageBody()
    exit_code: int | None = None
    ledger: LedgerHead = ""  # hash of the last line of its usage ledger
    lines: Whole = 0  # of its output, that the agent keeps


class Heartbeat(Wire):
    """How the machine is, and every run that it knows."""

    type: Literal["heartbeat"] = "heartbeat"
    at_ms: Whole
    capacity: ResourcesBody
    free: ResourcesBody
    cpu_percent: float = Field(ge=0, le=100)
    memory_used_mib: Whole
    disk_free_mib: Whole
    runs: list[RunStatus] = []


class RunUpdate(Wire):
    """A run has reached another phase; sent at once, and again with every heartbeat."""

    type: Literal["run"] = "run"
    run: RunStatus


class LogLine(Wire):
    """One line of a container's output."""

    seq: Whole  # from 0, without gaps, within an attempt
    at_ms: Whole
    stream: Literal["stdout", "stderr", "notice"]
    text: Annotated[str, Field(max_length=16 * 1024)]


class LogLines(Wire):
    type: Literal["log"] = "log"
    job_id: HashText
    attempt: Whole
    lines: Annotated[list[LogLine], Field(max_length=1000)]


class AssignmentBody(Wire):
    job_id: HashText
    attempt: Whole
    provider: AddressText
    image: DigestText
    deadline: Whole


class Offer(Wire):
    """A signed assignment with all the agent needs to act on it. Safe to repeat."""

    type: Literal["offer"] = "offer"
    assignment: AssignmentBody
    signature: Annotated[str, Field(pattern=r"^0x[0-9a-f]{130}$")]
    terms: TermsBody
    manifest: Manifest
    image_name: str  # where to pull from when the digest is not on the machine; "" for nowhere


class Wake(Wire):
    """A hint that something about this job changed on-chain: look now."""

    type: Literal["wake"] = "wake"
    job_id: HashText


class Probe(Wire):
    """A question to be answered at once: how is this run at this moment?"""

    type: Literal["probe"] = "probe"
    nonce: HashText
    job_id: HashText
    attempt: Whole


class ProbeAnswer(Wire):
    """What the Docker Engine and the kernel say of a run, read after the probe came."""

    type: Literal["probe_answer"] = "probe_answer"
    nonce: HashText
    at_ms: Whole
    running: bool | None = None  # None: the Engine does not answer
    started_ms: Whole = 0  # 0: not started
    usage: UsageBody | None = None  # None: there is no such run here
    ledger: LedgerHead = ""


AgentMessage = Annotated[
    Hello | Heartbeat | RunUpdate | LogLines | ProbeAnswer, Field(discriminator="type")
]
SchedulerMessage = Annotated[
    Challenge | Welcome | Offer | Wake | Probe, Field(discriminator="type")
]
agent_message: TypeAdapter[AgentMessage] = TypeAdapter(AgentMessage)
scheduler_message: TypeAdapter[SchedulerMessage] = TypeAdapter(SchedulerMessage)
