"""A consumer's evidence that one member of a `verify` group gave another result than the majority, and its check: by
anybody, with nothing but the document.

An ERC-1497 document, signed by EIP-191 as `chain.evidence` says. The terms of every member are in it, so that each
job's id, and with it consumer, bundle and group, are proven by hashing; and the providers' own signatures of their
results. That these providers have claimed these jobs is the chain's to say: the transactions are named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from eth_abi.exceptions import EncodingError
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak
from pydantic import BaseModel, Field, ValidationError

from chain.convert import address_of, terms_body, terms_of
from chain.errors import InvalidInput
from chain.evidence import canonical, read_signed
from chain.group import MAX_VERIFY, Member, member_of
from chain.interface import CODEC, hex_bytes
from chain.job import Address, JobId, JobTerms
from chain.messages import Domain
from chain.result import Result, is_result_of
from chain.signin import sign
from chain.verdict import Answer, GroupVerdict, Voice, verdict_of
from chain.wire import AddressText, HashText, TermsBody, Whole

CATEGORY = "results"
_TERMS = (
    "(address,address,address,bytes32,(uint256,uint256,uint256),(uint256,uint256,uint256,uint256),"
    "uint256,uint256,string)"  # as `JobTerms`: numbers of any width are encoded alike
)


class _Member(BaseModel):
    job: HashText
    terms: TermsBody
    attempt: Whole = 0
    provider: AddressText | None = None
    exit_code: int | None = None
    result_cid: str = Field(default="", max_length=130)
    signature: str = Field(default="", max_length=132)
    claim_tx: str = Field(default="", max_length=66)
    completed_tx: str = Field(default="", max_length=66)
    ledger_cid: str = Field(default="", max_length=130)


class _Facts(BaseModel):
    chain_id: Whole
    escrow: AddressText
    accused: Whole
    members: Annotated[list[_Member], Field(min_length=2, max_length=MAX_VERIFY)]


@dataclass(frozen=True, slots=True)
class Seat:
    """What is known of one member.

    Args:
        answer: None for none.
        signature: of its provider; "" where only the chain has its word.
        claim_tx, completed_tx: where the chain says so; "" for not (yet).
        ledger_cid: of its usage ledger, where it told one.
    """

    terms: JobTerms
    attempt: int = 0
    provider: Address | None = None
    answer: Answer | None = None
    over: bool = False
    signature: str = ""
    claim_tx: str = ""
    completed_tx: str = ""
    ledger_cid: str = ""

    def voice(self, index: int) -> Voice:
        """For the verdict."""
        return Voice(index, self.provider, self.answer, self.over)


@dataclass(frozen=True, slots=True)
class CheckedResults:
    """A document that was read.

    Args:
        consumer: whose word it is, by its signature.
        proofs: what follows from the providers' own signatures.
        on_chain: what the chain has to confirm.
        faults: why the document is worth less than it says; empty when it holds.
    """

    consumer: Address
    group: str
    bundle: str
    job_id: JobId
    attempt: int
    provider: Address
    verdict: GroupVerdict
    proofs: tuple[str, ...]
    on_chain: tuple[str, ...]
    faults: tuple[str, ...]


def job_id_of(domain: Domain, terms: JobTerms) -> JobId:
    """The id that the escrow gives these terms, computed with no ABI at hand.

    Raises:
        InvalidInput: no job can have them.
    """
    resources, rates = terms.resources, terms.max_rates
    values = (
        terms.consumer, terms.scheduler, terms.watcher, hex_bytes(terms.salt),
        (resources.cpu_millis, resources.memory_mib, resources.egress_kib_s),
        (rates.cpu_ms, rates.memory_mib_s, rates.egress_kib, rates.wall_s),
        terms.duration, terms.claim_within, terms.cid,
    )  # fmt: skip
    try:
        hashed = keccak(CODEC.encode([_TERMS], [values]))
    except EncodingError:
        raise InvalidInput("No job has such terms: a number is too large.") from None
    place = (domain.chain_id, domain.escrow, terms.consumer, hashed)
    named = CODEC.encode(["uint256", "address", "address", "bytes32"], place)
    return JobId("0x" + keccak(named).hex())


def make_results_evidence(
    account: LocalAccount, domain: Domain, seats: Sequence[Seat], accused: int
) -> str:
    """The signed document, as the text that goes to IPFS."""
    document = _document(domain, seats, accused)
    return canonical(document | {"signature": sign(account, canonical(document))})


def _document(domain: Domain, seats: Sequence[Seat], accused: int) -> dict[str, Any]:
    verdict = verdict_of([seat.voice(index) for index, seat in enumerate(seats)])
    wrong = seats[accused]
    told = _words(wrong.answer)
    return {
        "category": CATEGORY,
        "name": "Another result than the majority's",
        "title": "Another result than the majority's",
        "description": (
            f"The same bundle, {wrong.terms.cid}, ran on {len(seats)} different providers, for the consumer asked for "
            f"a deterministic job to be verified. {verdict.why}. Provider {wrong.provider} gave {told}. `draas verify` "
            "checks the providers' signatures of their results, and the jobs' ids."
        ),
        "fileTypeExtension": "json",
        "draas": {
            "chain_id": domain.chain_id,
            "escrow": domain.escrow,
            "accused": accused,
            "members": [_member(domain, seat) for seat in seats],
        },
    }


def _member(domain: Domain, seat: Seat) -> dict[str, Any]:
    answer = seat.answer
    return {
        "job": job_id_of(domain, seat.terms),
        "terms": terms_body(seat.terms).model_dump(),
        "attempt": seat.attempt,
        "provider": seat.provider,
        "exit_code": answer.exit_code if answer else None,
        "result_cid": answer.result_cid if answer else "",
        "signature": seat.signature,
        "claim_tx": seat.claim_tx,
        "completed_tx": seat.completed_tx,
        "ledger_cid": seat.ledger_cid,
    }


def is_about_results(document: dict[str, Any]) -> bool:
    """Whether signed evidence is of this kind."""
    return document.get("category") == CATEGORY


def check_results(text: str) -> CheckedResults:
    """Read a document and judge it.

    Raises:
        InvalidInput: it is no such document, or incomplete.
        NotAllowed: it bears no signature.
    """
    document, signer = read_signed(text)
    try:
        facts = _Facts.model_validate(document.get("draas"))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        told = f"{first['loc']}: {first['msg']}"
        raise InvalidInput(f"The evidence is incomplete: {told}.", "Give it as it is.") from None
    if facts.accused >= len(facts.members):
        raise InvalidInput("The evidence accuses nobody of its members.", "Give it as it is.")
    domain = Domain(facts.chain_id, address_of(facts.escrow))
    wrong = facts.members[facts.accused]
    faults = _of_the_group(domain, facts, signer)
    faults += [fault for one in facts.members if (fault := _of_a_result(domain, one))]
    verdict = verdict_of([_voice(index, one) for index, one in enumerate(facts.members)])
    if facts.accused not in verdict.differing:
        faults.append("what is in it makes no majority against the provider that it accuses")
    at = member_of(wrong.terms.salt)
    return CheckedResults(
        consumer=signer,
        group=at.group if at else "",
        bundle=wrong.terms.cid,
        job_id=JobId(wrong.job),
        attempt=wrong.attempt,
        provider=address_of(wrong.provider or "0x" + "00" * 20),
        verdict=verdict,
        proofs=() if faults else _proofs(facts, verdict),
        on_chain=tuple(_on_chain(one) for one in facts.members if one.exit_code is not None),
        faults=tuple(faults),
    )


def _voice(index: int, one: _Member) -> Voice:
    provider = address_of(one.provider) if one.provider else None
    return Voice(index, provider, _answer(one), over=True)


def _answer(one: _Member) -> Answer | None:
    told = one.exit_code is not None and one.provider is not None
    return Answer(one.exit_code or 0, one.result_cid) if told else None


def _of_the_group(domain: Domain, facts: _Facts, signer: Address) -> list[str]:
    """Whether these jobs are one group: of one consumer, of one bundle, each place once."""
    faults, first = [], facts.members[0].terms
    group = member_of(first.salt)
    for index, one in enumerate(facts.members):
        if job_id_of(domain, terms_of(one.terms)) != one.job:
            faults.append(f"the terms of member {index} are not those of its job")
        own = (one.terms.consumer.lower(), one.terms.cid)
        if own != (first.consumer.lower(), first.cid):
            faults.append(f"member {index} is another consumer's, or another bundle")
        place = Member(group.group, "verify", index, len(facts.members)) if group else None
        if place is None or member_of(one.terms.salt) != place:
            faults.append(f"the salt of member {index} does not say that it belongs here")
    if signer.lower() not in (first.consumer.lower(), first.watcher.lower()):
        faults.append(f"it is signed by {signer}, who is neither consumer nor watcher")
    named = [one.provider.lower() for one in facts.members if one.provider is not None]
    if len(set(named)) != len(named):
        faults.append("a provider is in it twice")
    return faults


def _of_a_result(domain: Domain, one: _Member) -> str:
    """What is wrong with a member's word; "" for nothing."""
    answer = _answer(one)
    if answer is None:
        return ""
    if not one.signature:
        return "" if one.completed_tx else f"nobody vouches for the result of job {one.job[:12]}"
    result = Result(JobId(one.job), one.attempt, answer)
    good = is_result_of(one.provider or "", domain, result, one.signature)
    return "" if good else f"the result of job {one.job[:12]} is not signed by its provider"


def _proofs(facts: _Facts, verdict: GroupVerdict) -> tuple[str, ...]:
    """Only what every one of those who make it signed."""
    wrong = facts.members[facts.accused]
    signed = [facts.members[index].signature for index in verdict.agreeing]
    if not wrong.signature or not all(signed):
        return ()
    told = f"{len(signed)} of {len(facts.members)} providers signed {_words(verdict.answer)}"
    return (f"{told}; {wrong.provider} signed {_words(_answer(wrong))}",)


def _on_chain(one: _Member) -> str:
    told = f"{one.provider} claimed job {one.job[:12]}, run {one.attempt}: {one.claim_tx or '?'}"
    return told + (f"; completed it so: {one.completed_tx}" if one.completed_tx else "")


def _words(answer: Answer | None) -> str:
    if answer is None:
        return "nothing"
    return f"exit code {answer.exit_code} and result {answer.result_cid or 'none'}"
