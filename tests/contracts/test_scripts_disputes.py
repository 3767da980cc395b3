"""The scripts of the parties of a dispute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from brownie import DRaaSEscrow, accounts

from scripts import appeal, court_advance, dispute, evidence, juror_stake, rule_by_default
from tests.contracts.market import (
    DISPUTE_BOND,
    DISPUTED,
    FEE,
    HELD,
    JURORS,
    PARAMETERS,
    RULING_TIME,
    SPAN,
    WINDOW,
    Market,
    full,
    later,
    price,
    says_no,
)

Act = Callable[[Any], None]
CID = "b" + "a" * 58


def test_a_party_opens_a_dispute_with_the_fee_and_the_bond(market: Market, act: Act) -> None:
    token, consumer = market.token, market.consumer
    _, job = market.run()
    act(consumer)
    with says_no("Nobody has claimed attempt 2"):
        dispute.main(str(job), "2", CID)
    with says_no("Nothing of attempt 1 can be disputed"):
        dispute.main(str(job), "1", CID)
    later(100)
    market.report(job, full(100))
    with says_no("There is no job"):
        dispute.main("0x" + "ab" * 32, "1", CID)
    act(market.rival)
    with says_no("no party"):
        dispute.main(str(job), "1", CID)
    act(consumer)
    token.approve(market.escrow, 0, {"from": consumer})
    held = token.balanceOf(consumer)
    dispute.main(str(job), "1", CID)
    assert market.escrow.stateOf(job) == DISPUTED
    assert token.balanceOf(consumer) == held - DISPUTE_BOND
    assert market.court.balance() == JURORS * FEE
    with says_no("under dispute already"):
        dispute.main(str(job), "1", CID)


def test_a_dispute_needs_the_bond_the_fee_and_what_is_not_final(market: Market, act: Act) -> None:
    token, consumer = market.token, market.consumer
    _, job = market.run()
    later(100)
    market.report(job, full(100))
    act(consumer)
    token.transfer(market.rival, token.balanceOf(consumer), {"from": consumer})
    with says_no(f"{DISPUTE_BOND} are needed"):
        dispute.main(str(job), "1", CID)
    token.transfer(consumer, DISPUTE_BOND, {"from": market.rival})
    consumer.transfer(accounts[0], consumer.balance() - 2 * FEE, gas_limit=21_000)
    with says_no(f"and {JURORS * FEE} are needed"):
        dispute.main(str(job), "1", CID)
    accounts[0].transfer(consumer, "1 ether")
    later(2 * WINDOW)
    with says_no("all of it is final"):
        dispute.main(str(job), "1", CID)


def test_parties_add_evidence_while_the_dispute_is_open(market: Market, act: Act) -> None:
    _, _, number = market.disputed()
    act(market.provider)
    evidence.main(str(number), f"/ipfs/{CID}/usage.json")
    events = market.escrow.events.get_sequence(0, event_type="Evidence")
    assert events[-1].args.evidence == f"/ipfs/{CID}/usage.json"
    act(market.rival)
    with says_no("no party"):
        evidence.main(str(number), CID)
    with says_no("not open"):
        evidence.main("77", CID)


def test_a_party_appeals_while_that_is_open(market: Market, act: Act) -> None:
    _, _, number = market.disputed()
    act(market.provider)
    with says_no("cannot be appealed now"):
        appeal.main(str(number))
    market.judge(number, 0, 0, 0)
    act(market.rival)
    with says_no("no party"):
        appeal.main(str(number))
    act(market.provider)
    appeal.main(str(number))
    assert market.court.disputes(number)[2] == 1
    market.judge(number, 0, 0, 0, 0, 0)
    with says_no("cannot be appealed now"):
        appeal.main(str(number))
    market.execute(number)
    with says_no("not open"):
        appeal.main(str(number))


def test_an_appeal_that_comes_too_late_is_not_sent(market: Market, act: Act) -> None:
    _, _, number = market.disputed()
    market.judge(number, 0, 0, 0)
    later(SPAN)
    act(market.provider)
    with says_no("cannot be appealed now"):
        appeal.main(str(number))


def test_an_unruled_dispute_is_split_when_its_time_is_over(market: Market, act: Act) -> None:
    _, job, number = market.disputed()
    act(market.stranger)
    with says_no("can still be ruled"):
        rule_by_default.main(str(number))
    later(RULING_TIME + 1)
    rule_by_default.main(str(number))
    assert market.escrow.earnedOf(job, 1, market.provider)[0] == price(50)
    with says_no("not open"):
        rule_by_default.main(str(number))


def test_scripts_of_the_court_refuse_another_arbitrator(
    market: Market, act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = DRaaSEscrow.deploy(
        market.token, market.token, "", PARAMETERS, {"from": market.stranger}
    )
    monkeypatch.setenv("ESCROW_ADDRESS", other.address)
    assert market.token.balanceOf(market.stranger) == HELD
    act(market.stranger)
    for script, words in ((court_advance, ()), (juror_stake, ("1000",))):
        with says_no("not a court of ours"):
            script.main(*words)
