"""Evidence against a member of a `verify` group proves what its providers signed, and nothing that was made up."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chain.errors import InvalidInput, NotAllowed
from chain.evidence import canonical
from chain.group_evidence import check_results, job_id_of, make_results_evidence
from chain.signin import sign
from cli.verify import examine
from tests.unit.chain.group_seats import CONSUMER, DOMAIN, PROVIDERS, RIGHT, WRONG, seats, terms

HONEST = [RIGHT, RIGHT, WRONG]


def document(changed: Callable[[dict[str, Any]], None] | None = None, key: Any = CONSUMER) -> str:
    """Against the third, signed again after a change."""
    text = make_results_evidence(CONSUMER, DOMAIN, seats(HONEST), 2)
    if changed is None:
        return text
    told = json.loads(text)
    del told["signature"]
    changed(told["draas"])
    return canonical(told | {"signature": sign(key, canonical(told))})


def test_what_the_providers_signed_is_proven_with_nothing_but_the_document() -> None:
    checked = check_results(document())
    assert checked.faults == ()
    assert (checked.consumer, checked.provider) == (CONSUMER.address, PROVIDERS[2].address)
    assert checked.job_id == job_id_of(DOMAIN, terms(2, 3))
    (proof,) = checked.proofs
    assert proof.startswith("2 of 3 providers signed exit code 0 and result baaa")
    assert len(checked.on_chain) == 3
    assert examine(document().encode()).proofs == [proof]


def test_a_result_that_only_the_chain_has_is_told_of_and_not_proven() -> None:
    told = seats(HONEST)
    told[2] = replace(told[2], signature="", completed_tx="0x" + "e0" * 32)
    checked = check_results(make_results_evidence(CONSUMER, DOMAIN, told, 2))
    assert (checked.faults, checked.proofs) == ((), ())
    assert "completed it so: 0xe0e0" in checked.on_chain[2]


def at(index: int, **values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda facts: facts["members"][index].update(values)


def in_terms(index: int, **values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda facts: facts["members"][index]["terms"].update(values)


def drop_one(facts: dict[str, Any]) -> None:
    facts["accused"] = 1
    facts["members"].pop(0)


def swap(facts: dict[str, Any]) -> None:
    facts["members"].reverse()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (at(0, exit_code=7), "not signed by its provider"),
        (at(0, result_cid="b" + "e" * 58), "not signed by its provider"),
        (at(1, provider=PROVIDERS[5].address), "not signed by its provider"),
        (at(1, attempt=2), "not signed by its provider"),
        (at(0, signature=""), "nobody vouches"),
        (at(0, signature="0x12"), "not signed by its provider"),
        (at(0, job="0x" + "12" * 32), "terms of member 0 are not those of its job"),
        (in_terms(0, cid="b" + "f" * 58), "another bundle"),
        (in_terms(1, salt="0x" + "00" * 32), "salt of member 1"),
        (swap, "salt of member"),
        (at(1, provider=PROVIDERS[0].address), "a provider is in it twice"),
        (lambda facts: facts.update(accused=0), "no majority against"),
        (drop_one, "no majority against"),
        (lambda facts: facts.update(chain_id=1), "not those of its job"),
    ],
)
def test_what_was_made_up_is_found(change: Callable[[dict[str, Any]], None], fault: str) -> None:
    checked = check_results(document(change))
    assert any(fault in one for one in checked.faults), checked.faults
    assert checked.proofs == ()


def test_only_the_consumer_or_its_watcher_may_say_so() -> None:
    checked = check_results(document(lambda _: None, key=PROVIDERS[0]))
    assert "neither consumer nor watcher" in checked.faults[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda facts: facts.update(accused=9),
        lambda facts: facts.update(members=[]),
        lambda facts: facts.pop("escrow"),
        lambda facts: facts["members"][0].pop("terms"),
    ],
)
def test_an_incomplete_document_is_refused(change: Callable[[dict[str, Any]], None]) -> None:
    with pytest.raises(InvalidInput):
        check_results(document(change))


def test_an_unsigned_document_is_refused() -> None:
    told = json.loads(document()) | {"signature": "0x"}
    with pytest.raises(NotAllowed):
        check_results(json.dumps(told))
