"""`draas verify`: evidence checked on this machine, with nothing but the document: a run's usage ledger, or what a
watcher took to court."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from chain.errors import DraasError, InvalidInput, NotFound
from chain.evidence import CheckedEvidence, check_evidence, read_signed
from chain.group_evidence import CheckedResults, check_results, is_about_results
from chain.ipfs import fetch_bytes, parse_cid
from chain.job import Cid
from chain.ledger_check import MAX_BYTES, Checked, check_ledger, words
from cli.money import printable
from cli.screen import Screen
from cli.session import home_of, load_market

FETCH_S = 60.0
DOES_NOT_HOLD = 14


@dataclass(frozen=True, slots=True)
class Expected:
    """What the document is to be of; "" or 0 for anything.

    Args:
        job: its id, or the beginning of it.
    """

    job: str = ""
    attempt: int = 0
    agent: str = ""


@dataclass(slots=True)
class Findings:
    """What a document says, what follows, and what is wrong with it."""

    kind: str
    facts: dict[str, str]
    proofs: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


async def verify(
    screen: Screen, source: str, expected: Expected, beside: Path | None, environ: Mapping[str, str]
) -> int:
    """Check a document and say what was found; the command's exit code.

    Args:
        source: a file, or a CID.
        beside: a watcher's evidence, whose signed answers the ledger has to contain.

    Raises:
        InvalidInput: there is no such file, and it is no CID; or it is no evidence.
        NotFound, Unavailable: nobody has it, or no IPFS node answers.
    """
    data = await _read(source, environ)
    other = await asyncio.to_thread(beside.read_bytes) if beside else b""
    found = await asyncio.to_thread(examine, data, other)
    found.faults += _mismatches(found.facts, expected)
    _show(screen, found)
    return DOES_NOT_HOLD if found.faults else 0


def examine(data: bytes, beside: bytes = b"") -> Findings:
    """What a document is worth: a ledger, one line of which names its run, or a watcher's evidence."""
    if data.startswith(b'{"kind":'):
        other = check_evidence(beside.decode(errors="replace")) if beside else None
        return _of_ledger(check_ledger(data), other)
    text = data.decode(errors="replace")
    if is_about_results(read_signed(text)[0]):
        return _of_results(check_results(text))
    return _of_evidence(check_evidence(text))


def _of_results(checked: CheckedResults) -> Findings:
    facts = {
        "job": checked.job_id,
        "attempt": str(checked.attempt),
        "agent": checked.provider,
        "consumer": checked.consumer,
        "group": checked.group,
        "bundle": checked.bundle,
        "verdict": checked.verdict.why,
    }
    facts |= {f"on chain {i}": told for i, told in enumerate(checked.on_chain, 1)}
    return Findings("evidence of results", facts, list(checked.proofs), list(checked.faults))


def _of_ledger(checked: Checked, other: CheckedEvidence | None) -> Findings:
    run = checked.run
    facts = {} if run is None else {
        "job": run.job_id, "attempt": str(run.attempt), "agent": run.agent, "image": run.image,
        "escrow": f"{run.escrow} on chain {run.chain_id}",
        "reserved": f"{run.cpu_millis} thousandths of a core, {run.memory_mib} MiB, {run.egress_kib_s} KiB/s",
    }  # fmt: skip
    facts |= {
        "metered": words(checked.usage),
        "signed": f"{words(checked.reported)}, in {len(checked.reports)} reports",
        "starts": str(checked.starts),
        "head": checked.head,
    }
    faults = list(checked.faults)
    if other is not None and run is not None:
        if (other.job_id, other.attempt) != (run.job_id, run.attempt):
            faults.append("the evidence beside it is about another run")
        faults += checked.against(other.statements, other.reported)
    return Findings("usage ledger", facts, faults=faults)


def _of_evidence(checked: CheckedEvidence) -> Findings:
    facts = {
        "job": checked.job_id,
        "attempt": str(checked.attempt),
        "agent": checked.provider,
        "watcher": checked.watcher,
        "billed": words(checked.reported),
        "ledger": checked.ledger_cid or "none told of",
        "signed answers": str(len(checked.statements)),
    }
    facts |= {f"claim {i}": claim for i, claim in enumerate(checked.claims, 1)}
    return Findings("watcher's evidence", facts, list(checked.proofs), list(checked.faults))


def _mismatches(facts: Mapping[str, str], expected: Expected) -> list[str]:
    faults = []
    if expected.job and not facts.get("job", "").startswith(_id(expected.job)):
        faults.append(f"it is about job {facts.get('job', 'none')}")
    if expected.attempt and facts.get("attempt") != str(expected.attempt):
        faults.append(f"it is about run {facts.get('attempt', 'none')}")
    if expected.agent and facts.get("agent", "").lower() != expected.agent.lower():
        faults.append(f"it is about agent {facts.get('agent', 'none')}")
    return faults


def _id(given: str) -> str:
    digits = given.strip().lower().removeprefix("0x")
    if not digits or not set(digits) <= set("0123456789abcdef"):
        raise InvalidInput(
            f"{printable(given)!r} is not a job's id.", "Give it as `draas ps` shows it."
        )
    return "0x" + digits


def _read_file(path: Path) -> bytes | None:
    """None when there is no such file."""
    if not path.is_file():
        return None
    if path.stat().st_size > MAX_BYTES:
        raise InvalidInput(f"{path} is over {MAX_BYTES} bytes.", "That is no evidence.")
    return path.read_bytes()


async def _read(source: str, environ: Mapping[str, str]) -> bytes:
    data = await asyncio.to_thread(_read_file, Path(source))
    if data is not None:
        return data
    try:
        cid = Cid(source.removeprefix("/ipfs/"))
        parse_cid(cid)
    except DraasError:
        raise InvalidInput(
            f"{printable(source)!r} is no file here, and no CID.", "Give one of them."
        ) from None
    local = load_market(home_of(environ))
    api = environ.get("IPFS_API") or (local.ipfs_api if local else "")
    if not api:
        raise NotFound(
            "No IPFS node is known here.", "Set IPFS_API, or fetch the document and give its file."
        )
    return await fetch_bytes(api, cid, max_bytes=MAX_BYTES, deadline_s=FETCH_S)


def _show(screen: Screen, found: Findings) -> None:
    screen.record({"event": "verified", "holds": not found.faults} | asdict(found))
    screen.say(found.kind, style="bold")
    for name, value in found.facts.items():
        screen.say(f"  {name:<15}{printable(value)}")
    for proof in found.proofs:
        screen.say(f"  proven: {printable(proof)}", style="bold yellow")
    for fault in found.faults:
        screen.say(f"  fault: {printable(fault)}", style="bold red")
    if not found.faults:
        screen.say("It holds: signed, whole and in itself consistent.", style="bold green")
