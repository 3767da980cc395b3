"""The evidence of a dispute says what was billed and seen, and nobody can change a word of it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from eth_account import Account

from chain.errors import InvalidInput, NotAllowed
from chain.evidence import signer_of_evidence
from chain.job import ZERO_ADDRESS, Address, Cid, Digest, JobTerms
from chain.messages import Domain
from scheduler.rows.facts import JobFacts, RunFacts
from scheduler.sessions.witness import Sighting
from scheduler.watch.evidence import Case, ReportEvent, make_evidence
from scheduler.watch.judge import WatchRules, judge
from tests.unit.scheduler.test_judge import NOW, a_bill, a_probe
from tests.unit.scheduler.watched import AGENT, BEGAN, JOB, RATES, RESERVED

WATCHER = Account.from_key("0x" + "77" * 32)
DOMAIN = Domain(1337, Address("0x52908400098527886E0F7030069857D2E4169EE7"))
TERMS = JobTerms(
    consumer=Address("0x" + "c0" * 20),
    scheduler=ZERO_ADDRESS,
    watcher=Address(WATCHER.address),
    salt="0x" + "00" * 32,
    resources=RESERVED,
    max_rates=RATES,
    duration=600,
    claim_within=60,
    cid=Cid("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"),
)


def a_case() -> Case:
    """A padded bill."""
    bill, seen, probes = a_bill(100), Sighting(BEGAN, NOW), [a_probe(100, 40)]
    verdict = judge(bill, seen, probes, WatchRules(1, 300), NOW)
    assert verdict is not None
    run = RunFacts(1, AGENT, 1, Digest("sha256:" + "ab" * 32), 10, 20, bill.usage, bill.frozen)
    job = JobFacts(JOB, TERMS, 1, 1, 0, 9, 10**18, 10**18, 600, 600, runs=(run,))
    report = ReportEvent("0x" + "ee" * 32, 7, 20)
    return Case(DOMAIN, job, run, bill, [report], seen, probes, verdict)


def test_a_document_names_the_report_what_was_seen_and_what_does_not_fit() -> None:
    case = a_case()
    told = json.loads(make_evidence(WATCHER, case))
    assert {"title", "description", "signature"} <= set(told)
    facts = told["draas"]
    assert facts["watcher"] == WATCHER.address
    assert facts["reported"]["transactions"] == [
        {"tx_hash": "0x" + "ee" * 32, "block": 7, "at": 20}
    ]
    assert facts["reported"]["usage"]["wall_s"] == 100
    assert facts["supported"]["wall_s"] == 40
    assert facts["excess"] == str(case.verdict.excess)
    assert facts["probes"][0]["answer"]["usage"]["wall_s"] == 40
    for reason in case.verdict.reasons:
        assert reason in told["description"]


def test_the_same_facts_make_the_same_document_signed_by_the_watcher() -> None:
    text = make_evidence(WATCHER, a_case())
    assert text == make_evidence(WATCHER, a_case())
    assert signer_of_evidence(text) == WATCHER.address


def test_a_changed_document_is_no_longer_the_watchers() -> None:
    text = make_evidence(WATCHER, a_case())
    changed = text.replace('"wall_s":40', '"wall_s":39')
    assert changed != text
    assert signer_of_evidence(changed) != WATCHER.address


@pytest.mark.parametrize("text", ["", "[]", "{}", '"x"'])
def test_what_is_no_document_is_told_apart(text: str) -> None:
    with pytest.raises(InvalidInput):
        signer_of_evidence(text)


def test_a_document_without_a_real_signature_is_refused() -> None:
    document = json.loads(make_evidence(WATCHER, a_case()))
    with pytest.raises(NotAllowed):
        signer_of_evidence(json.dumps(document | {"signature": "0x" + "11" * 65}))


def test_other_facts_make_another_document() -> None:
    case = a_case()
    other = replace(case, reports=[])
    assert make_evidence(WATCHER, case) != make_evidence(WATCHER, other)
