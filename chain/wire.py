"""What crosses between machines: the messages on the agent's link, and the parts that `chain.api` shares.

Amounts are decimal strings of token base units, since JSON numbers lose digits. Times are Unix milliseconds
where the name ends in `_ms`, Unix seconds otherwise. Hashes are 0x-prefixed hexadecimal.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from chain import printed
from chain.manifest import Attributes, Manifest

AddressText = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{40}$")]
HashText = Annotated[str, Field(pattern=r"^0x[0-9a-f]{64}$")]
DigestText = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
CidText = Annotated[str, Field(pattern=r"^b[a-z2-7]{20,120}$")]
AmountText = Annotated[str, Field(pattern=r"^[0-9]{1,78}$")]
Base64Text = Annotated[
    str, Field(pattern=r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}(==|[A-Za-z0-9+/]=))?$")
]
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


SignatureText = Annotated[str, Field(pattern=r"^0x[0-9a-f]{130}$")]
_RUN_KEY = r"^0x[0-9a-f]{64}/[0-9]{1,3}$"
RunKey = Annotated[str, Field(pattern=_RUN_KEY)]  # "jobId/attempt"

TokenText = Annotated[str, Field(max_length=200)]
GpuName = Annotated[str, Field(max_length=64, pattern=r"^[\x20-\x7e]+$")]


# ---- the agent's link: one WebSocket, opened by the agent at /v1/agents/link ----------------


RuntimeText = Annotated[str, Field(pattern=r"^[a-z]{1,16}(\+network)?$")]


class Hello(Wire):
    """First message, from the agent: what it offers, and the runs whose log lines it still has."""

    type: Literal["hello"] = "hello"
    url: Annotated[str, Field(max_length=200, pattern=r"^https?://[\x21-\x7e]+$")] | None = (
        None  # http://AGENT_IP:AGENT_PORT, where reachable
    )
    version: Annotated[str, Field(max_length=40, pattern=r"^[\x20-\x7e]*$")] = ""
    capacity: ResourcesBody
    attributes: Attributes = {}
    # Under what it runs jobs: "runc", "gvisor", and with "+network" where also those that have one.
    runtimes: Annotated[list[RuntimeText], Field(max_length=8)] = ["runc", "runc+network"]
    gpus: Annotated[int, Field(ge=0, le=64)] = 0  # that it offers in all
    runs: Annotated[list[RunKey], Field(max_length=1000)] = []
    gpu_names: Annotated[list[GpuName], Field(max_length=64)] = []


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


class OutcomeBody(Wire):
    """How a member of a `verify` group ended, signed by its provider before it is told on the chain; and the usage
    report that pays for it, for the consumer to sign too."""

    exit_code: Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]
    result_cid: Annotated[str, Field(pattern=r"^(b[a-z2-7]{20,120})?$")]  # "" for nothing
    signature: SignatureText  # of `chain.result.result_text`
    usage: UsageBody
    deadline: Whole  # last second at which the report may be sent
    report_signature: SignatureText


class RunStatus(Wire):
    """Where one run stands on the agent."""

    job_id: HashText
    attempt: Whole
    phase: RunPhase
    why: Why = ""
    usage: UsageBody = UsageBody()
    memory_mib: Whole = 0  # in use at the last sample
    exit_code: int | None = None
    ledger: LedgerHead = ""  # hash of the last line of its usage ledger
    lines: Whole = 0  # of its output, that the agent keeps
    evidence: Annotated[str, Field(pattern=r"^(b[a-z2-7]{20,120})?$")] = ""  # CID of its ledger
    ready: bool = False  # its first port takes connections
    runtime: Annotated[str, Field(max_length=20)] = ""  # runc or gvisor, once it has begun
    health: Health = ""
    restarts: Whole = 0  # how often its program was started again
    outcome: OutcomeBody | None = None  # while it waits for the verdict of its group


class Heartbeat(Wire):
    """How the machine is, and every run that it knows."""

    type: Literal["heartbeat"] = "heartbeat"
    at_ms: Whole
    capacity: ResourcesBody
    free: ResourcesBody
    cpu_percent: float = Field(ge=0, le=100)
    memory_used_mib: Whole
    disk_free_mib: Whole
    gpus_free: Annotated[int, Field(ge=0, le=64)] = 0
    runs: Annotated[list[RunStatus], Field(max_length=1000)] = []
    draining: bool = False  # it takes no new jobs


class RunUpdate(Wire):
    """Runs that have reached another phase; sent at once, and again with every heartbeat."""

    type: Literal["run"] = "run"
    runs: Annotated[list[RunStatus], Field(max_length=100)]


class LogLine(Wire):
    """One line of a container's output."""

    seq: Whole  # from 0, without gaps, within an attempt
    at_ms: Whole
    stream: Literal["stdout", "stderr", "notice"]
    text: Annotated[str, Field(max_length=printed.MAX_TEXT)]
    goes_on: bool = False  # the next line of this stream is the rest of it


class RunLines(Wire):
    """The next lines of one run, packed as in `chain.printed`."""

    job_id: HashText
    attempt: Whole
    first: Whole  # the number of the first of them
    body: Annotated[str, Field(max_length=printed.MAX_BODY), AfterValidator(printed.check)]


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
    url: Annotated[str, Field(max_length=300)] = ""  # at which a service's first port is reached


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


class StatementBody(UsageBody):
    """A `UsageStatement` of the run and in answer to the probe that it comes with."""

    starts: Annotated[int, Field(ge=0, le=2**32 - 1)]  # of its container
    ledger: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    at_ms: Whole
    signature: SignatureText


class ProbeAnswer(Wire):
    """What the Docker Engine and the meter say of a run, looked up after the probe came."""

    type: Literal["probe_answer"] = "probe_answer"
    nonce: HashText
    at_ms: Whole
    running: bool | None = None  # None: not known, or about to be started again
    started_ms: Whole = 0  # of its first start; 0: not started
    usage: UsageBody | None = None  # None: there is no such run here
    ledger: LedgerHead = ""
    statement: StatementBody | None = None  # the same, signed


def run_key(job_id: str, attempt: int) -> str:
    """How messages name a run: a `RunKey`."""
    return f"{job_id}/{attempt}"


def is_run_key(text: str) -> bool:
    """Whether a text names a run so."""
    return re.fullmatch(_RUN_KEY, text) is not None
