"""The whole state machine, through brownie: each test walks from a post to where the job ends."""

from __future__ import annotations

from typing import Any

from brownie import chain

from tests.contracts.conftest import (
    ABSENT,
    CLAIM_WITHIN,
    CLOSED,
    DEPOSIT,
    DISPUTE_BOND,
    DISPUTED,
    DURATION,
    ENDED,
    GRACE,
    LAPSE_AFTER,
    MIN_BOND,
    OPEN,
    RULING_TIME,
    RUNNING,
    UNBOND_TIME,
    WINDOW,
    Market,
    full,
    price,
    refused,
)


def later(seconds: int) -> None:
    chain.sleep(seconds)
    chain.mine()


def earned(market: Market, job: Any) -> tuple[int, int]:
    everything, final = market.escrow.earnedOf(job, 1)
    return int(everything), int(final)


def test_a_job_goes_from_post_to_the_last_withdrawal(market: Market) -> None:
    terms = market.terms()
    job = market.escrow.jobIdOf(terms)
    assert market.escrow.stateOf(job) == ABSENT
    tx = market.escrow.postJob(terms, DEPOSIT, {"from": market.consumer})
    assert tx.events["JobPosted"]["jobId"] == job
    assert market.escrow.stateOf(job) == OPEN
    market.claim(terms, 1, market.provider)
    assert market.escrow.stateOf(job) == RUNNING
    later(100)
    market.report(job, full(100))
    assert earned(market, job) == (price(100), 0)
    later(100)
    market.complete(job, full(150))
    assert market.escrow.stateOf(job) == ENDED
    market.escrow.refund(terms, {"from": market.stranger})
    assert market.token.balanceOf(market.consumer) == 10**15 - price(150)
    later(2 * WINDOW)
    tx = market.escrow.withdraw([(job, 1)], {"from": market.provider})
    assert tx.return_value == price(150)
    assert market.escrow.stateOf(job) == CLOSED
    assert market.token.balanceOf(market.provider) == 10**15 - MIN_BOND + price(150)
    assert market.token.balanceOf(market.escrow) == 2 * MIN_BOND


def test_an_open_job_is_cancelled_declined_or_expires_with_a_full_refund(market: Market) -> None:
    terms, job = market.post()
    market.escrow.cancelJob(terms, {"from": market.consumer})
    assert market.escrow.stateOf(job) == CLOSED
    terms, job = market.post()
    later(CLAIM_WITHIN + 1)
    assert market.escrow.stateOf(job) == ENDED
    assert market.escrow.refundableOf(job) == DEPOSIT
    market.escrow.refund(terms, {"from": market.stranger})
    assert market.escrow.stateOf(job) == CLOSED
    assert market.token.balanceOf(market.consumer) == 10**15


def test_a_cancelled_run_is_paid_for_until_the_cancel(market: Market) -> None:
    terms, job = market.run()
    started = market.escrow.runs(job, 1)[1]
    later(50)
    market.escrow.cancelJob(terms, {"from": market.consumer})
    ran = chain[-1].timestamp - started
    with refused("NotSettled"):
        market.escrow.refund(terms, {"from": market.consumer})
    later(GRACE - 20)
    market.complete(job, full(10_000))
    assert market.escrow.earnedOf(job, 1)[0] == price(ran)
    market.escrow.refund(terms, {"from": market.consumer})
    assert market.token.balanceOf(market.consumer) == 10**15 - price(ran)


def test_a_silent_run_lapses_and_another_provider_carries_on(market: Market) -> None:
    terms, job = market.run()
    later(100)
    market.report(job, full(100))
    with refused("NotLapsed"):
        market.escrow.lapseJob(terms, {"from": market.stranger})
    later(LAPSE_AFTER + 1)
    market.escrow.lapseJob(terms, {"from": market.stranger})
    assert market.escrow.stateOf(job) == OPEN
    market.claim(terms, 2, market.rival)
    later(60)
    market.report(job, full(60), attempt=2)
    with refused("RunSettled"):
        market.report(job, full(200), attempt=1)
    later(2 * WINDOW)
    assert market.escrow.withdrawableOf(job, 1) == price(100)
    assert market.escrow.withdrawableOf(job, 2) == price(60)


def test_a_run_ends_with_its_duration_and_the_unspent_rest_comes_back(market: Market) -> None:
    terms, job = market.run()
    later(DURATION + GRACE + 1)
    assert market.escrow.stateOf(job) == ENDED
    with refused("ReportTooLate"):
        market.report(job, full(1))
    market.escrow.refund(terms, {"from": market.stranger})
    assert market.escrow.stateOf(job) == CLOSED


def test_a_dispute_is_ruled_and_the_loser_pays_its_bond(market: Market) -> None:
    terms, job = market.run()
    later(100)
    market.report(job, full(100))
    market.escrow.dispute(terms, 1, "bafyevidence", {"from": market.consumer})
    assert market.escrow.stateOf(job) == DISPUTED
    with refused("NotArbiter"):
        market.escrow.rule(job, 1, 0, {"from": market.stranger})
    market.escrow.rule(job, 1, 2500, {"from": market.arbiter})
    assert market.escrow.stateOf(job) == ENDED
    market.escrow.refund(terms, {"from": market.consumer})
    market.escrow.withdrawCredit({"from": market.consumer})
    market.escrow.withdraw([(job, 1)], {"from": market.provider})
    assert market.escrow.stateOf(job) == CLOSED
    assert market.token.balanceOf(market.consumer) == 10**15 - price(100) // 4
    assert market.token.balanceOf(market.escrow) == 2 * MIN_BOND


def test_a_dispute_that_nobody_rules_is_split_evenly(market: Market) -> None:
    terms, job = market.run()
    later(100)
    market.report(job, full(100))
    market.escrow.dispute(terms, 1, "", {"from": market.provider})
    with refused("RulingNotDue"):
        market.escrow.ruleByDefault(job, 1, {"from": market.stranger})
    later(RULING_TIME + 1)
    market.escrow.ruleByDefault(job, 1, {"from": market.stranger})
    assert earned(market, job) == (price(100) // 2, price(100) // 2)
    assert market.escrow.creditOf(market.provider) == DISPUTE_BOND


def test_a_provider_leaves_with_its_bond_after_the_unbonding_time(market: Market) -> None:
    market.escrow.startUnbond({"from": market.rival})
    terms, _ = market.post()
    with refused("BondTooSmall"):
        market.claim(terms, 1, market.rival)
    with refused("StillBonded"):
        market.escrow.withdrawBond({"from": market.rival})
    later(UNBOND_TIME)
    market.escrow.withdrawBond({"from": market.rival})
    assert market.token.balanceOf(market.rival) == 10**15


def test_a_forged_or_stolen_assignment_claims_nothing(market: Market) -> None:
    terms, job = market.post()
    stolen = market.assignment(terms, 1, market.provider)
    with refused("AssignmentInvalid"):
        market.escrow.claimJob(terms, stolen, market.sign(stolen), {"from": market.rival})
    with refused("AssignmentInvalid"):
        market.escrow.claimJob(terms, stolen, "0x", {"from": market.provider})
    later(61)
    with refused("AssignmentExpired"):
        market.escrow.claimJob(terms, stolen, market.sign(stolen), {"from": market.provider})
    assert market.escrow.stateOf(job) == OPEN
