"""What crosses between machines: the messages on the agent's link, and the parts that `chain.api` shares.

Amounts are decimal strings of token base units, since JSON numbers lose digits. Times are Unix milliseconds
where the name ends in `_ms`, Unix seconds otherwise. Hashes are 0x-prefixed hexadecimal.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from chain.manifest import Attributes, Manifest

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
    cid: str  # as posted: a stranger may have posted any text


# ---- an agent's log-in: POST /v1/agents/nonce, then POST /v1/agents/login --------------------

SignatureText = Annotated[str, Field(pattern=r"^0x[0-9a-f]{130}$")]
_RUN_KEY = r"^0x[0-9a-f]{64}/[0-9]{1,3}$"
RunKey = Annotated[str, Field(pattern=_RUN_KEY)]  # "jobId/attempt"

TokenText = Annotated[str, Field(max_length=200)]


class Challenge(Wire):
    """What to sign as EIP-712 `AgentLogin`: the nonce, once, for this scheduler on this escrow."""

    nonce: HashText
    scheduler: AddressText
    chain_id: Whole
    escrow: AddressText
    expires_at: Whole  # the last second in which the nonce may be used


class Login(Wire):
    """The agent's answer to the challenge."""

    agent: AddressText
    nonce: HashText
    signature: SignatureText


class SessionToken(Wire):
    """What opens the link, as `Authorization: Bearer TOKEN`, until it ends."""

    token: TokenText
    expires_at: Whole
    heartbeat_s: Whole


# ---- the agent's link: one WebSocket, opened by the agent at /v1/agents/link ----------------


class Hello(Wire):
    """First message, from the agent: what it offers, and the runs whose log lines it still has."""

    type: Literal["hello"] = "hello"
    url: Annotated[str, Field(max_length=200, pattern=r"^https?://[\x21-\x7e]+$")] | None = (
        None  # http://AGENT_IP:AGENT_PORT, where reachable
    )
    version: Annotated[str, Field(max_length=40, pattern=r"^[\x20-\x7e]*$")] = ""
    capacity: ResourcesBody
    attributes: Attributes = {}
    runs: Annotated[list[RunKey], Field(max_length=1000)] = []


class Welcome(Wire):
    """For each run the hello named, the last log line that the scheduler has stored."""

    type: Literal["welcome"] = "welcome"
    heartbeat_s: Whole
    cursors: dict[str, int]  # "jobId/attempt" -> seq; -1 or absent: none


class Renew(Wire):
    """From the agent: the token of another log-in, before the one of this session ends."""

    type: Literal["renew"] = "renew"
    token: TokenText


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


Health = Literal["", "starting", "healthy", "unhealthy"]  # "": nothing is checked


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
    health: Health = ""
    restarts: Whole = 0  # how often its program was started again


class Heartbeat(Wire):
    """How the machine is, and every run that it knows."""

    type: Literal["heartbeat"] = "heartbeat"
    at_ms: Whole
    capacity: ResourcesBody
    free: ResourcesBody
    cpu_percent: float = Field(ge=0, le=100)
    memory_used_mib: Whole
    disk_free_mib: Whole
    runs: Annotated[list[RunStatus], Field(max_length=1000)] = []


class RunUpdate(Wire):
    """Runs that have reached another phase; sent at once, and again with every heartbeat."""

    type: Literal["run"] = "run"
    runs: Annotated[list[RunStatus], Field(max_length=100)]


class LogLine(Wire):
    """One line of a container's output."""

    seq: Whole  # from 0, without gaps, within an attempt
    at_ms: Whole
    stream: Literal["stdout", "stderr", "notice"]
    text: Annotated[str, Field(max_length=16 * 1024)]


class RunLines(Wire):
    """The next lines of one run."""

    job_id: HashText
    attempt: Whole
    lines: Annotated[list[LogLine], Field(max_length=1000)]


class LogLines(Wire):
    """Log lines of some runs. They count as delivered when an `Ack` says so."""

    type: Literal["log"] = "log"
    runs: Annotated[list[RunLines], Field(max_length=64)]


class Ack(Wire):
    """What became of log lines: stored for good up to `cursors`; not taken yet, since the claim of `later` is not
    known here (send again in a while); not the agent's to send, for `foreign`."""

    type: Literal["ack"] = "ack"
    cursors: dict[str, int] = {}  # "jobId/attempt" -> seq; -1: none
    later: list[str] = []
    foreign: list[str] = []


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
    signature: SignatureText
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
    """What the Docker Engine and the meter say of a run, looked up after the probe came."""

    type: Literal["probe_answer"] = "probe_answer"
    nonce: HashText
    at_ms: Whole
    running: bool | None = None  # None: not known, or about to be started again
    started_ms: Whole = 0  # of its first start; 0: not started
    usage: UsageBody | None = None  # None: there is no such run here
    ledger: LedgerHead = ""


AgentMessage = Annotated[
    Hello | Renew | Heartbeat | RunUpdate | LogLines | ProbeAnswer, Field(discriminator="type")
]
SchedulerMessage = Annotated[Welcome | Ack | Offer | Wake | Probe, Field(discriminator="type")]
agent_message: TypeAdapter[AgentMessage] = TypeAdapter(AgentMessage)
scheduler_message: TypeAdapter[SchedulerMessage] = TypeAdapter(SchedulerMessage)


def run_key(job_id: str, attempt: int) -> str:
    """How messages name a run: a `RunKey`."""
    return f"{job_id}/{attempt}"


def is_run_key(text: str) -> bool:
    """Whether a text names a run so."""
    return re.fullmatch(_RUN_KEY, text) is not None
