"""The document that a dispute names: what was billed, what was seen, and the watcher's signature. Pure.
`chain/evidence.py` reads and checks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from eth_account.signers.local import LocalAccount

from chain.evidence import canonical
from chain.job import Address, Resources, Usage
from chain.messages import Domain
from chain.signin import sign
from scheduler.rows.facts import JobFacts, RunFacts
from scheduler.sessions.witness import Probe, Sighting
from scheduler.watch.judge import Bill, Verdict


@dataclass(frozen=True, slots=True)
class ReportEvent:
    """Where on the chain a report stands."""

    tx_hash: str
    block: int
    at: int  # chain time in seconds


@dataclass(frozen=True, slots=True)
class Case:
    """All that a document is made of."""

    domain: Domain
    job: JobFacts
    run: RunFacts
    bill: Bill
    reports: Sequence[ReportEvent]
    seen: Sighting
    probes: Sequence[Probe]
    verdict: Verdict
    ledger_cid: str = ""  # of the provider's own, where it published one


def make_evidence(account: LocalAccount, case: Case) -> str:
    """The signed document, as the text that goes to IPFS: the same for the same facts."""
    document = _document(Address(account.address), case)
    return canonical(document | {"signature": sign(account, canonical(document))})


def _document(watcher: Address, case: Case) -> dict[str, Any]:
    job, run, verdict = case.job, case.run, case.verdict
    title = f"Usage reports of run {run.attempt} of job {job.job_id[:12]} do not fit what was seen"
    told = "\n".join(f"- {reason}" for reason in verdict.reasons)
    description = (
        f"The job's watcher compared what provider {run.provider} reported with what it saw of the run.\n{told}\n"
        f"Billed above what fits, with every tolerance granted: {verdict.excess} base units of {case.bill.frozen} "
        "that are not final. Times in `seen` and `probes` are Unix milliseconds by the watcher's clock, but for "
        "`at_ms` and `started_ms` of an answer, which are by the provider's."
    )
    return {
        "category": "usage",
        "name": title,
        "title": title,
        "description": description,
        "fileTypeExtension": "json",
        "draas": {
            "chain_id": case.domain.chain_id,
            "escrow": case.domain.escrow,
            "watcher": watcher,
            "job": job.job_id,
            "attempt": run.attempt,
            "consumer": job.terms.consumer,
            "provider": run.provider,
            "image": run.image,
            "reserved": _metrics(job.terms.resources),
            "reported": _reported(case),
            "supported": _metrics(verdict.supported),
            "excess": str(verdict.excess),
            "reasons": list(verdict.reasons),
            "seen": asdict(case.seen),
            "probes": [_asked(probe) for probe in case.probes],
            "ledger_cid": case.ledger_cid,
        },
    }


def _reported(case: Case) -> dict[str, Any]:
    return {
        "event": "UsageReported",
        "usage": _metrics(case.bill.usage),
        "earned": str(case.run.earned),
        "not_final": str(case.bill.frozen),
        "transactions": [asdict(report) for report in case.reports],
    }


def _asked(probe: Probe) -> dict[str, Any]:
    answer = probe.answer.model_dump(exclude={"type", "nonce"}) if probe.answer else None
    told = {"nonce": probe.nonce, "sent_ms": probe.sent_ms, "reported": _metrics(probe.reported)}
    told |= {"block_hash": probe.block_hash}
    return told | {"outcome": probe.outcome, "answered_ms": probe.answered_ms, "answer": answer}


def _metrics(values: Usage | Resources) -> dict[str, int]:
    return {name: int(value) for name, value in asdict(values).items()}
