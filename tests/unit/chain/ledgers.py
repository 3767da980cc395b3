"""Ledgers as an agent writes them, for the tests of whoever reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from eth_account import Account
from eth_account.signers.local import LocalAccount

from chain.job import Address, JobId, Usage
from chain.ledger import GENESIS, Line, ReportLine, RunLine, StartLine, Totals, encode, head_of
from chain.messages import Domain, sign_statement

AGENT = Account.from_key("0x" + "a7" * 32)
DOMAIN = Domain(1337, Address("0x52908400098527886E0F7030069857D2E4169EE7"))
JOB = JobId("0x" + "0b" * 32)
BEGAN = 1_700_000_000_000
MIB_MS = 2**20 * 1000
RUN = RunLine(
    version=1,
    chain_id=DOMAIN.chain_id,
    escrow=DOMAIN.escrow,
    job_id=JOB,
    attempt=1,
    agent=AGENT.address,
    image="sha256:" + "ab" * 32,
    cpu_millis=1000,
    memory_mib=256,
    egress_kib_s=0,
)
START = StartLine("c0" * 32, BEGAN)


def sample(second: int, cpu_ms: int | None = None) -> Totals:
    """After so many seconds of a program that keeps half of its core busy."""
    used = 500 * second if cpu_ms is None else cpu_ms
    return Totals(
        cpu_ns=used * 1_000_000,
        memory_byte_ms=100 * MIB_MS * second,
        wall_ms=1000 * second,
        at_ms=BEGAN + 1000 * second,
        started_ms=BEGAN,
    )


def written(lines: Sequence[Line | Usage], run: RunLine = RUN, key: LocalAccount = AGENT) -> bytes:
    """The ledger of these lines; a usage stands for a report of it, signed for that run."""
    data, head = b"", GENESIS
    for line in lines:
        one = reported(line, head, run, key) if isinstance(line, Usage) else line
        encoded = encode(one, head)
        data, head = data + encoded, head_of(encoded)
    return data


def reported(usage: Usage, head: str, run: RunLine = RUN, key: LocalAccount = AGENT) -> ReportLine:
    """A line that the agent has signed."""
    counts = (usage.cpu_ms, usage.memory_mib_s, usage.egress_kib, usage.wall_s)
    bare = ReportLine(*counts, starts=1, at_ms=BEGAN + 1000 * usage.wall_s, signature="")
    return replace(bare, signature=sign_statement(key, run.domain, bare.statement(run, head)))


def an_honest_one(seconds: int = 20) -> list[Line | Usage]:
    """Of a run of so many seconds, reported twice."""
    half, whole = sample(seconds // 2), sample(seconds)
    return [RUN, START, half, half.usage(), whole, whole.usage()]
