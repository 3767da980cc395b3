"""A watcher's evidence proves to a stranger what the provider's own signatures prove, and no more."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from eth_account import Account

from chain.errors import InvalidInput
from chain.evidence import canonical, check_evidence, probe_nonce, statement_of
from chain.job import Usage
from chain.messages import sign_statement
from chain.signin import sign
from chain.wire import StatementBody
from tests.unit.chain.ledgers import AGENT, BEGAN, DOMAIN, JOB, RUN

WATCHER = Account.from_key("0x" + "77" * 32)
BLOCK = "0x" + "b1" * 32
SENT = BEGAN + 5000
NONCE = probe_nonce(JOB, 1, BLOCK, SENT)
BILLED = Usage(cpu_ms=15_000, memory_mib_s=100, wall_s=10)
METERED = Usage(cpu_ms=10_000, memory_mib_s=100, wall_s=10)


def stated(usage: Usage, nonce: str = NONCE, key: Any = AGENT) -> dict[str, Any]:
    """An answer's signed part."""
    body = StatementBody(
        **asdict(usage), starts=1, ledger="e" * 64, at_ms=BEGAN, signature="0x" + "00" * 65
    )
    signature = sign_statement(key, DOMAIN, statement_of(JOB, 1, nonce, body))
    return body.model_dump() | {"signature": signature}


def a_document(answer: dict[str, Any], **facts: Any) -> str:
    """Signed by the watcher."""
    probe = {"nonce": NONCE, "sent_ms": SENT, "reported": asdict(BILLED), "block_hash": BLOCK}
    told = {
        "chain_id": DOMAIN.chain_id,
        "escrow": DOMAIN.escrow,
        "watcher": WATCHER.address,
        "job": JOB,
        "attempt": 1,
        "provider": AGENT.address,
        "reserved": asdict(RUN.reserved),
        "reported": {"usage": asdict(BILLED)},
        "reasons": ["it does not fit"],
        "probes": [probe | {"answer": {"statement": answer}}],
    }
    document = {"title": "t", "draas": told | facts}
    return canonical(document | {"signature": sign(WATCHER, canonical(document))})


def test_a_bill_above_what_was_signed_afterwards_is_proven() -> None:
    checked = check_evidence(a_document(stated(METERED)))
    assert checked.faults == ()
    assert checked.watcher == WATCHER.address
    assert checked.claims == ("it does not fit",)
    (proof,) = checked.proofs
    assert "15000 ms of CPU" in proof
    assert f"by block {BLOCK}" in proof


def test_a_bill_that_was_signed_proves_nothing() -> None:
    checked = check_evidence(a_document(stated(BILLED)))
    assert (checked.proofs, checked.faults) == ((), ())


def test_an_answer_to_a_question_that_is_not_made_of_the_block_proves_nothing() -> None:
    probe = {
        "nonce": NONCE,
        "sent_ms": SENT,
        "reported": asdict(BILLED),
        "block_hash": "0x" + "b2" * 32,
    }
    text = a_document({}, probes=[probe | {"answer": {"statement": stated(METERED)}}])
    assert check_evidence(text).proofs == ()


def test_words_that_the_watcher_put_into_the_providers_mouth_are_found() -> None:
    changed = stated(METERED) | {"cpu_ms": 1}
    for answer in (changed, stated(METERED, key=WATCHER)):
        checked = check_evidence(a_document(answer))
        assert checked.proofs == ()
        assert "is not signed by the provider" in checked.faults[0]


def test_what_cannot_be_is_proven_by_the_providers_signature_alone() -> None:
    checked = check_evidence(a_document(stated(Usage(cpu_ms=100_000, wall_s=20))))
    assert any("not possible: 100000 of cpu_ms" in proof for proof in checked.proofs)


def test_a_document_of_another_watcher_than_it_names_is_found() -> None:
    checked = check_evidence(a_document(stated(METERED), watcher=AGENT.address))
    assert "is signed by" in checked.faults[0]


@pytest.mark.parametrize(
    "facts", [{"probes": 1}, {"reserved": {}}, {"job": "0x1"}, {"reasons": None}]
)
def test_an_incomplete_document_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="incomplete"):
        check_evidence(a_document(stated(METERED), **facts))
