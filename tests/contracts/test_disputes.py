"""A dispute through the real court: jurors are drawn, commit, reveal, and the escrow takes their ruling."""

from __future__ import annotations

from tests.contracts.market import (
    BOND_PER_UNIT,
    BONDED,
    CLOSED,
    DEPOSIT,
    DISPUTE_BOND,
    DISPUTED,
    ENDED,
    EVIDENCE,
    FEE,
    GRACE,
    HELD,
    JURORS,
    PENALTY,
    RULING_TIME,
    SEAT_STAKE,
    SPAN,
    UNITS,
    WINDOW,
    Market,
    full,
    later,
    price,
    refused,
)

APPEALABLE, EXECUTED = 5, 7


def test_the_jurors_median_rules_and_the_losing_provider_pays(market: Market) -> None:
    terms, job, dispute = market.disputed()
    assert market.escrow.stateOf(job) == DISPUTED
    with refused("RunNotLive"):
        market.report(job, full(200))
    market.judge(dispute, 2000, 2500, 10_000)
    assert market.court.phaseOf(dispute)[0] == APPEALABLE
    market.execute(dispute)
    assert market.court.phaseOf(dispute)[0] == EXECUTED
    assert market.escrow.stateOf(job) == ENDED
    market.refund(terms)
    slashed = UNITS * BOND_PER_UNIT
    to_provider = price(100) // 4
    assert (
        market.escrow.creditOf(market.consumer) == price(100) - to_provider + slashed + DISPUTE_BOND
    )
    market.escrow.withdraw([], {"from": market.consumer})
    market.escrow.withdraw([(job, 1)], {"from": market.provider})
    assert market.token.balanceOf(market.consumer) == HELD - to_provider + slashed
    record = market.escrow.providers(market.provider)
    assert (record[0], record[6], record[7]) == (BONDED - UNITS, 1, to_provider)
    assert market.token.balanceOf(market.escrow) == (2 * BONDED - UNITS) * BOND_PER_UNIT


def test_an_ended_job_is_disputed_within_the_window_and_closes_after_the_ruling(
    market: Market,
) -> None:
    terms, job = market.run()
    later(100)
    market.complete(job, full(100))
    market.refund(terms)
    assert market.escrow.stateOf(job) == ENDED
    dispute = market.dispute(terms, market.consumer)
    assert market.escrow.stateOf(job) == DISPUTED
    market.judge(dispute, 6000, 6000, 6000)
    market.execute(dispute)
    assert market.escrow.stateOf(job) == ENDED
    with refused("NothingToRefund"):
        market.refund(terms)
    credit = market.escrow.creditOf(market.provider)
    assert credit == DISPUTE_BOND  # the loser's
    tx = market.escrow.withdraw([(job, 1)], {"from": market.provider})
    assert tx.return_value == price(100) * 6 // 10 + credit
    later(2 * WINDOW + GRACE)
    assert market.escrow.stateOf(job) == CLOSED


def test_a_consumer_who_loses_pays_the_provider_that_had_to_open_the_dispute(
    market: Market,
) -> None:
    terms, job, dispute = market.disputed(market.provider)
    market.judge(dispute, 10_000, 10_000, 9000)
    market.execute(dispute)
    assert market.escrow.earnedOf(job, 1, market.provider)[1] == price(100)
    assert market.escrow.creditOf(market.provider) == 2 * DISPUTE_BOND
    market.refund(terms)
    assert market.token.balanceOf(market.consumer) == HELD - price(100) - DISPUTE_BOND
    assert market.escrow.providers(market.provider)[0] == BONDED


def test_jurors_near_the_median_share_the_fee_and_the_silent_one_s_stake(market: Market) -> None:
    _, _, dispute = market.disputed()
    market.draw()
    first, second, silent = market.panel(dispute)
    for juror, share in ((first, 5000), (second, 5400)):
        market.commit(dispute, juror, share)
    later(SPAN)
    market.reveal(dispute, first, 5000)
    with refused("WrongCommitment"):
        market.reveal(dispute, second, 5000)
    market.reveal(dispute, second, 5400)
    market.court.tally(dispute, {"from": market.stranger})
    loss = SEAT_STAKE * PENALTY // 10_000
    assert market.court.jurors(silent)[0] == 2 * SEAT_STAKE - loss
    assert market.court.jurors(first)[0] == 2 * SEAT_STAKE + loss // 2
    assert market.court.feesOf(first) == JURORS * FEE // 2
    before = first.balance()
    market.court.withdrawFees({"from": first})
    assert market.court.feesOf(first) == 0
    assert first.balance() > before
    market.execute(dispute)
    assert market.escrow.stateOf(market.escrow.disputes(dispute)[0]) == ENDED


def test_an_appeal_is_judged_anew_by_more_jurors_and_its_ruling_counts(market: Market) -> None:
    _, job, dispute = market.disputed()
    market.judge(dispute, 0, 0, 0)
    cost = market.court.appealCost(dispute, b"")
    assert cost == (2 * JURORS + 1) * FEE
    with refused("NotParty"):
        market.escrow.appeal(dispute, {"from": market.rival, "value": cost})
    with refused("WrongFee"):
        market.escrow.appeal(dispute, {"from": market.provider, "value": cost - 1})
    market.escrow.appeal(dispute, {"from": market.provider, "value": cost})
    with refused("WrongPhase"):
        market.escrow.appeal(dispute, {"from": market.provider, "value": 15 * FEE})
    market.judge(dispute, 10_000, 10_000, 10_000, 0, 10_000)
    with refused("WrongPhase"):  # this court hears one appeal
        market.escrow.appeal(dispute, {"from": market.consumer, "value": 15 * FEE})
    market.execute(dispute)
    assert market.escrow.earnedOf(job, 1, market.provider)[1] == price(100)


def test_a_panel_that_stays_silent_twice_splits_evenly_and_nobody_loses(market: Market) -> None:
    _, job, dispute = market.disputed()
    for _ in range(2):
        market.draw()
        later(2 * SPAN)
        market.court.tally(dispute, {"from": market.stranger})
    market.execute(dispute)
    assert tuple(market.escrow.earnedOf(job, 1, market.provider)) == (price(50), price(50))
    assert market.escrow.creditOf(market.consumer) == price(50) + DISPUTE_BOND
    assert market.escrow.providers(market.provider)[0] == BONDED


def test_a_dispute_that_nobody_rules_in_time_is_split_evenly(market: Market) -> None:
    _, job, dispute = market.disputed(market.provider)
    with refused("RulingNotDue"):
        market.escrow.ruleByDefault(dispute, {"from": market.stranger})
    market.judge(dispute, 0, 0, 0)
    later(RULING_TIME + 1)
    tx = market.court.executeRuling(dispute, {"from": market.stranger})
    assert tx.events["RulingFailed"]["ruling"] == 1  # too late: it stays for the default
    market.escrow.ruleByDefault(dispute, {"from": market.stranger})
    assert tuple(market.escrow.earnedOf(job, 1, market.provider)) == (price(50), price(50))
    assert market.escrow.creditOf(market.provider) == DISPUTE_BOND
    with refused("NotDisputed"):
        market.escrow.ruleByDefault(dispute, {"from": market.stranger})


def test_only_parties_dispute_and_only_with_the_fee_and_what_is_not_final(market: Market) -> None:
    escrow = market.escrow
    terms, job = market.run()
    arguments = (terms, 1, market.provider, EVIDENCE)
    fee = escrow.disputeFee()
    with refused("NothingToDispute"):
        escrow.dispute(*arguments, {"from": market.consumer, "value": fee})
    later(100)
    market.report(job, full(100))
    with refused("NotParty"):
        escrow.dispute(*arguments, {"from": market.rival, "value": fee})
    with refused("WrongFee"):
        escrow.dispute(*arguments, {"from": market.consumer, "value": fee + 1})
    with refused("NotArbitrator"):
        escrow.rule(1, 1, {"from": market.consumer})
    later(2 * WINDOW)
    with refused("NothingToDispute"):
        escrow.dispute(*arguments, {"from": market.consumer, "value": fee})


def test_a_watcher_disputes_for_the_consumer_and_parties_add_evidence(market: Market) -> None:
    _, _, dispute = market.disputed(market.stranger)  # whom the terms name as watcher
    for party in (market.stranger, market.consumer, market.provider):
        tx = market.escrow.submitEvidence(dispute, EVIDENCE, {"from": party})
        assert tx.events["Evidence"]["party"] == party
    with refused("NotParty"):
        market.escrow.submitEvidence(dispute, EVIDENCE, {"from": market.rival})
    barred = (market.consumer, market.provider, market.stranger)
    assert market.court.excluded(dispute) == barred


def test_a_dispute_over_an_earlier_attempt_leaves_the_job_running(market: Market) -> None:
    terms, job = market.run()
    later(100)
    market.report(job, full(100))
    later(301)
    market.escrow.lapseJob(terms, market.provider, {"from": market.stranger})
    market.claim(terms, 2, market.rival)
    dispute = market.dispute(terms, market.consumer)
    assert market.escrow.stateOf(job) == 2
    later(50)
    market.report(job, full(50), attempt=2)
    market.judge(dispute, 0, 0, 0)
    market.execute(dispute)
    assert market.escrow.jobs(job)[0] == DEPOSIT - price(100)
    assert market.escrow.earnedOf(job, 1, market.provider)[0] == 0
    assert market.escrow.earnedOf(job, 2, market.rival)[0] == price(50)
