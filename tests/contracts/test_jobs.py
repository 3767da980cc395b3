"""The state machine, through brownie: each test walks from a post to where the job ends."""

from __future__ import annotations

from tests.contracts.market import (
    ABSENT,
    BOND_PER_UNIT,
    BONDED,
    CLAIM_WITHIN,
    CLOSED,
    DEPOSIT,
    DURATION,
    ENDED,
    GRACE,
    HELD,
    IMAGE,
    LAPSE_AFTER,
    NOBODY,
    OPEN,
    RUNNING,
    WINDOW,
    Market,
    full,
    later,
    now,
    price,
    refused,
    terms_hash,
)
from tests.contracts.signing import SCHEDULER, signed

BONDS = 2 * BONDED * BOND_PER_UNIT


def test_a_job_goes_from_post_to_the_last_withdrawal(market: Market) -> None:
    escrow, token = market.escrow, market.token
    terms = market.terms()
    job = escrow.jobIdOf(terms)
    assert escrow.stateOf(job) == ABSENT
    tx = escrow.postJob(terms, DEPOSIT, {"from": market.consumer})
    assert tx.events["JobPosted"]["jobId"] == job
    assert escrow.stateOf(job) == OPEN
    market.claim(terms, 1, market.provider)
    assert escrow.stateOf(job) == RUNNING
    later(100)
    market.report(job, full(100))
    assert tuple(escrow.earnedOf(job, 1, market.provider)) == (price(100), 0)
    later(100)
    market.complete(job, full(150))
    assert escrow.stateOf(job) == ENDED
    market.refund(terms)
    assert token.balanceOf(market.consumer) == HELD - price(150)
    later(2 * WINDOW + GRACE)
    assert escrow.stateOf(job) == CLOSED
    before = token.balanceOf(market.provider)
    tx = escrow.withdraw([(job, 1)], {"from": market.provider})
    assert tx.return_value == price(150)
    assert token.balanceOf(market.provider) == before + price(150)
    assert token.balanceOf(escrow) == BONDS
    with refused("WrongState"):
        market.refund(terms)


def test_a_job_is_posted_once_and_only_by_its_consumer(market: Market) -> None:
    terms, job = market.post()
    with refused("AlreadyPosted"):
        market.escrow.postJob(terms, DEPOSIT, {"from": market.consumer})
    with refused("BadTerms"):
        market.escrow.postJob(market.terms(), DEPOSIT, {"from": market.stranger})
    with refused("DepositTooSmall"):
        market.escrow.postJob(market.terms(), 0, {"from": market.consumer})
    market.escrow.topUp(job, 5, {"from": market.stranger})
    assert market.escrow.jobs(job)[0] == DEPOSIT + 5


def test_an_open_job_is_cancelled_or_expires_with_a_full_refund(market: Market) -> None:
    escrow = market.escrow
    terms, job = market.post()
    escrow.cancelJob(terms_hash(terms), {"from": market.consumer})
    assert escrow.stateOf(job) == CLOSED
    with refused("WrongState"):
        market.claim(terms, 1, market.provider)
    terms, job = market.post()
    later(CLAIM_WITHIN + 1)
    assert escrow.stateOf(job) == ENDED
    assert escrow.refundableOf(job, NOBODY) == DEPOSIT
    market.refund(terms)
    assert escrow.stateOf(job) == CLOSED
    assert market.token.balanceOf(market.consumer) == HELD


def test_a_scheduler_declines_what_it_cannot_build_with_a_full_refund(market: Market) -> None:
    terms = market.terms()
    terms = (terms[0], market.rival.address, *terms[2:])
    market.escrow.postJob(terms, DEPOSIT, {"from": market.consumer})
    with refused("NotScheduler"):
        market.escrow.declineJob(terms, "no", {"from": market.stranger})
    market.escrow.declineJob(terms, "does not build", {"from": market.rival})
    assert market.escrow.stateOf(market.escrow.jobIdOf(terms)) == CLOSED
    assert market.token.balanceOf(market.consumer) == HELD


def test_nobody_but_its_consumer_cancels_a_job(market: Market) -> None:
    terms, job = market.post()
    with refused("WrongState"):  # the same words by another make another job, which does not exist
        market.escrow.cancelJob(terms_hash(terms), {"from": market.stranger})
    assert market.escrow.stateOf(job) == OPEN


def test_a_cancelled_run_is_paid_for_until_the_cancel(market: Market) -> None:
    terms, job = market.run()
    started = market.escrow.runs(job, 1, market.provider)[3]
    later(50)
    market.escrow.cancelJob(terms_hash(terms), {"from": market.consumer})
    assert market.escrow.stateOf(job) == ENDED
    ran = now() - started
    with refused("NotSettled"):
        market.refund(terms, market.provider)
    later(GRACE - 20)
    market.complete(job, full(10_000))
    assert market.escrow.earnedOf(job, 1, market.provider)[0] == price(ran)
    market.refund(terms)
    assert market.token.balanceOf(market.consumer) == HELD - price(ran)


def test_a_silent_run_lapses_and_another_provider_carries_on(market: Market) -> None:
    escrow = market.escrow
    terms, job = market.run()
    later(100)
    market.report(job, full(100))
    with refused("NotLapsed"):
        escrow.lapseJob(terms, market.provider, {"from": market.stranger})
    later(LAPSE_AFTER + 1)
    with refused("NoSuchRun"):
        escrow.lapseJob(terms, market.rival, {"from": market.stranger})
    escrow.lapseJob(terms, market.provider, {"from": market.stranger})
    assert escrow.stateOf(job) == OPEN
    assert escrow.jobs(job)[0] == DEPOSIT - price(100)
    market.claim(terms, 2, market.rival)
    assert escrow.stateOf(job) == RUNNING
    later(60)
    market.report(job, full(60), attempt=2)
    with refused("RunNotLive"):
        market.report(job, full(200), attempt=1)
    later(2 * WINDOW)
    assert escrow.withdrawableOf(job, 1, market.provider) == price(100)
    assert escrow.withdrawableOf(job, 2, market.rival) == price(60)
    assert escrow.providers(market.provider)[5] == 1


def test_a_run_ends_with_its_duration_and_the_unspent_rest_comes_back(market: Market) -> None:
    terms, job = market.run()
    later(DURATION)
    assert market.escrow.stateOf(job) == ENDED
    assert market.escrow.refundableOf(job, market.provider) == 0
    later(GRACE + 1)
    with refused("ReportTooLate"):
        market.report(job, full(1))
    assert market.escrow.refundableOf(job, market.provider) == DEPOSIT
    market.refund(terms, market.provider)
    assert market.token.balanceOf(market.consumer) == HELD
    assert market.escrow.providers(market.provider)[1] == 0
    later(2 * WINDOW)
    assert market.escrow.stateOf(job) == CLOSED


def test_a_run_that_uses_up_its_deposit_ends_and_earns_no_more_than_it(market: Market) -> None:
    terms, job = market.run(price(40))
    later(100)
    market.report(job, full(100))
    assert market.escrow.stateOf(job) == ENDED
    assert market.escrow.earnedOf(job, 1, market.provider)[0] == price(40)
    with refused("WrongState"):
        market.escrow.topUp(job, 1, {"from": market.consumer})
    later(GRACE + 1)
    market.refund(terms, market.provider)
    assert market.token.balanceOf(market.consumer) == HELD - price(40)


def test_a_topped_up_run_goes_on(market: Market) -> None:
    _, job = market.run(price(40))
    market.escrow.topUp(job, price(60), {"from": market.stranger})
    later(50)
    market.report(job, full(50))
    assert market.escrow.stateOf(job) == RUNNING
    assert market.escrow.earnedOf(job, 1, market.provider)[0] == price(50)


def test_a_forged_stolen_or_late_assignment_claims_nothing(market: Market) -> None:
    terms, job = market.post()
    deadline = now() + 60
    own = (job, 1, market.provider.address, IMAGE, deadline)
    signature = signed(market.escrow, "Assignment", own, SCHEDULER.key)
    with refused("SignatureInvalid"):
        market.escrow.claimJob(terms, IMAGE, deadline, signature, {"from": market.rival})
    with refused("SignatureInvalid"):
        market.escrow.claimJob(terms, IMAGE, deadline, "0x", {"from": market.provider})
    with refused("SignatureInvalid"):
        market.escrow.claimJob(terms, IMAGE, deadline + 9, signature, {"from": market.provider})
    later(61)
    with refused("SignatureExpired"):
        market.escrow.claimJob(terms, IMAGE, deadline, signature, {"from": market.provider})
    assert market.escrow.stateOf(job) == OPEN
