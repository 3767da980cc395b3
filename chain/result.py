"""A run's result as its provider's word: signed before it is told, so that it cannot be taken back.

The signature is EIP-191 over the canonical JSON (keys sorted, no spaces) of what is said and where. Nobody is paid by
it alone: the usage report that goes with it is what the consumer signs too (`reportFinal`), which pays the run at once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from chain.convert import usage_body, usage_of
from chain.errors import DraasError, InvalidInput
from chain.interface import hex_bytes
from chain.job import Address, JobId
from chain.messages import Domain, UsageReport, sign_report, signer_of_report
from chain.signin import sign
from chain.verdict import Answer
from chain.wire import OutcomeBody


@dataclass(frozen=True, slots=True)
class Result:
    """How one run ended, by its provider's word."""

    job_id: JobId
    attempt: int
    answer: Answer


def result_text(domain: Domain, result: Result) -> str:
    """What is signed."""
    said = {
        "draas": "result",
        "chain_id": domain.chain_id,
        "escrow": domain.escrow.lower(),
        "job": result.job_id,
        "attempt": result.attempt,
        "exit_code": result.answer.exit_code,
        "result_cid": result.answer.result_cid,
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":"))


def is_result_of(provider: str, domain: Domain, result: Result, signature: str) -> bool:
    """Whether this is the provider's word."""
    message = encode_defunct(text=result_text(domain, result))
    try:
        signer = Account.recover_message(message, signature=hex_bytes(signature))
    except (BadSignature, ValidationError, ValueError, IndexError, InvalidInput):
        return False
    return str(signer).lower() == provider.lower()


def vouch(
    account: LocalAccount, domain: Domain, result: Result, report: UsageReport
) -> OutcomeBody:
    """The provider's word of a run's end: what came out, and what it is to be paid for."""
    return OutcomeBody(
        exit_code=result.answer.exit_code,
        result_cid=result.answer.result_cid,
        signature=sign(account, result_text(domain, result)),
        usage=usage_body(report.usage),
        deadline=report.deadline,
        report_signature=sign_report(account, domain, report),
    )


def result_of(job_id: str, attempt: int, told: OutcomeBody) -> Result:
    """What an outcome says of this run."""
    return Result(JobId(job_id), attempt, Answer(told.exit_code, told.result_cid))


def report_of(job_id: str, attempt: int, told: OutcomeBody) -> UsageReport:
    """What an outcome asks to be paid for."""
    return UsageReport(JobId(job_id), attempt, usage_of(told.usage), told.deadline)


def is_outcome_of(
    provider: Address, domain: Domain, run: tuple[str, int], told: OutcomeBody
) -> bool:
    """Whether both signatures of an outcome are the provider's, for this run (job and attempt)."""
    try:
        signer = signer_of_report(domain, report_of(*run, told), told.report_signature)
    except DraasError:
        return False
    paid_to = signer.lower() == provider.lower()
    return paid_to and is_result_of(provider, domain, result_of(*run, told), told.signature)
