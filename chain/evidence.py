"""A watcher's evidence document, checked by anybody with nothing but itself: whose word it is, and what of it follows
from the provider's own signatures.

An ERC-1497 evidence document: JSON with a `name`, a `title` and a `description` for jurors, and all of the facts
under `draas`. The signature is EIP-191 over the canonical JSON (keys sorted, no spaces) of everything beside it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from eth_account import Account
from eth_account.messages import encode_defunct
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError as Malformed
from pydantic import BaseModel, Field, ValidationError

from chain.convert import resources_of, usage_of
from chain.errors import InvalidInput, NotAllowed
from chain.interface import hex_bytes
from chain.job import Address, JobId, Usage
from chain.ledger_check import beyond_fence, exceeding, words
from chain.messages import Domain, UsageStatement, is_signed_by
from chain.wire import AddressText, HashText, ResourcesBody, StatementBody, UsageBody, Whole

MAX_BYTES = 4 * 1024**2


class _Answer(BaseModel):
    statement: StatementBody | None = None


class _Asked(BaseModel):
    nonce: HashText
    sent_ms: Whole
    reported: UsageBody
    block_hash: str = Field(default="", max_length=66)
    answer: _Answer | None = None


class _Reported(BaseModel):
    usage: UsageBody


class _Facts(BaseModel):
    chain_id: Whole
    escrow: AddressText
    watcher: AddressText
    job: HashText
    attempt: Whole
    provider: AddressText
    reserved: ResourcesBody
    reported: _Reported
    reasons: list[str]
    probes: list[_Asked]
    ledger_cid: str = Field(default="", max_length=130)


@dataclass(frozen=True, slots=True)
class CheckedEvidence:
    """A document that was read.

    Args:
        watcher: whose word it is, by its signature.
        reported: what was billed.
        ledger_cid: of the provider's ledger, where it told one.
        claims: what the watcher says does not fit.
        proofs: what does not fit by the provider's own signatures, whoever the watcher is. Of the chain they take for
            granted that the blocks named are its, and that it had these reports by then.
        statements: the provider's, signatures checked.
        faults: why the document is worth less than it says; empty when it holds.
    """

    watcher: Address
    job_id: JobId
    attempt: int
    provider: Address
    reported: Usage
    ledger_cid: str
    claims: tuple[str, ...]
    proofs: tuple[str, ...]
    statements: tuple[UsageStatement, ...]
    faults: tuple[str, ...]


def probe_nonce(job_id: str, attempt: int, block_hash: str, sent_ms: int) -> str:
    """What a watcher asks with: the SHA-256 of all this, so that an answer to it was given after that block."""
    text = f"{job_id}/{attempt}/{block_hash}/{sent_ms}"
    return "0x" + hashlib.sha256(text.encode()).hexdigest()


def canonical(document: dict[str, Any]) -> str:
    """The text that is signed."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def signer_of_evidence(text: str) -> Address:
    """Who signed a document.

    Raises:
        InvalidInput: it is no such document.
        NotAllowed: it bears no signature.
    """
    return read_signed(text)[1]


def check_evidence(text: str) -> CheckedEvidence:
    """Read a document and judge it.

    Raises:
        InvalidInput, NotAllowed: as `signer_of_evidence`.
    """
    document, signer = read_signed(text)
    try:
        facts = _Facts.model_validate(document.get("draas"))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        told = f"{first['loc']}: {first['msg']}"
        raise InvalidInput(f"The evidence is incomplete: {told}.", "Give it as it is.") from None
    faults, proofs, statements = [], [], []
    if signer.lower() != facts.watcher.lower():
        faults.append(f"it names {facts.watcher} as its watcher, and is signed by {signer}")
    for asked in facts.probes:
        if asked.answer is None or asked.answer.statement is None:
            continue
        statement = _statement(facts, asked, asked.answer.statement)
        if statement is None:
            faults.append(f"the answer to probe {asked.nonce[:12]} is not signed by the provider")
            continue
        statements.append(statement)
        proofs += _proofs(facts, asked, statement)
    return CheckedEvidence(
        watcher=signer,
        job_id=JobId(facts.job),
        attempt=facts.attempt,
        provider=Address(facts.provider),
        reported=usage_of(facts.reported.usage),
        ledger_cid=facts.ledger_cid,
        claims=tuple(facts.reasons),
        proofs=tuple(dict.fromkeys(proofs)),
        statements=tuple(statements),
        faults=tuple(faults),
    )


def statement_of(job_id: str, attempt: int, nonce: str, told: StatementBody) -> UsageStatement:
    """What an agent's answer to a probe is a signature of."""
    place = (told.starts, told.ledger, told.at_ms, nonce)
    return UsageStatement(JobId(job_id), attempt, usage_of(told), *place)


def _statement(facts: _Facts, asked: _Asked, told: StatementBody) -> UsageStatement | None:
    statement = statement_of(facts.job, facts.attempt, asked.nonce, told)
    domain = Domain(facts.chain_id, Address(facts.escrow))
    signed = is_signed_by(facts.provider, domain, statement, told.signature)
    return statement if signed else None


def _proofs(facts: _Facts, asked: _Asked, statement: UsageStatement) -> list[str]:
    proofs = []
    billed = usage_of(asked.reported)
    nonce = probe_nonce(facts.job, facts.attempt, asked.block_hash, asked.sent_ms)
    if nonce == asked.nonce and exceeding(billed, statement.usage):
        proofs.append(
            f"{words(billed)} were billed by block {asked.block_hash}; after it, its agent signed that it had metered "
            f"{words(statement.usage)}"
        )
    for fault in beyond_fence(statement.usage, resources_of(facts.reserved), statement.starts):
        proofs.append(f"its agent signed what is not possible: {fault}")
    return proofs


def read_signed(text: str) -> tuple[dict[str, Any], Address]:
    """A document of evidence, without its signature, and who signed it.

    Raises:
        InvalidInput: it is no such document.
        NotAllowed: it bears no signature.
    """
    try:
        document = json.loads(text)
        signature = str(document.pop("signature"))
        message = encode_defunct(text=canonical(document))
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        raise InvalidInput("This is no signed evidence.", "Give the file as it is.") from None
    try:
        return document, Address(Account.recover_message(message, signature=hex_bytes(signature)))
    except (BadSignature, Malformed, ValueError, IndexError, InvalidInput):
        raise NotAllowed("The evidence bears no signature.", "Do not rely on it.") from None
