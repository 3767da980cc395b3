"""A provider's bond: capacity to claim with, lost to silence, and back after the unbonding time."""

from __future__ import annotations

from tests.contracts.market import (
    BOND_PER_UNIT,
    BONDED,
    GRACE,
    HELD,
    LAPSE_AFTER,
    LAPSES_PER_SLASH,
    RATES,
    RULING_TIME,
    UNBOND_TIME,
    UNITS,
    WINDOW,
    Market,
    full,
    later,
    price,
    refused,
)


def test_a_bond_is_moved_in_for_each_unit_of_capacity(market: Market) -> None:
    tx = market.escrow.register(10, RATES, {"from": market.stranger})
    assert tx.events["ProviderRegistered"]["bonded"] == 10
    assert market.token.balanceOf(market.stranger) == HELD - 10 * BOND_PER_UNIT
    market.escrow.register(5, (1, 2, 3, 4), {"from": market.stranger})
    record = market.escrow.providers(market.stranger)
    assert (record[0], record[3]) == (15, 2)
    assert tuple(market.escrow.ratesOf(market.stranger, 2)) == (1, 2, 3, 4)


def test_a_claim_reserves_the_job_s_capacity_and_more_than_is_bonded_is_refused(
    market: Market,
) -> None:
    market.run()
    market.run()
    _, job = market.run()
    assert market.escrow.providers(market.provider)[1] == 3 * UNITS
    terms, _ = market.post()
    with refused("BondTooSmall"):
        market.claim(terms, 1, market.provider)
    later(10)
    market.complete(job, full(10))
    market.claim(terms, 1, market.provider)


def test_rates_above_the_job_s_and_strangers_claim_nothing(market: Market) -> None:
    terms, _ = market.post()
    with refused("NotRegistered"):
        market.claim(terms, 1, market.stranger)
    market.escrow.setRates((2001, 1, 1, 1), {"from": market.rival})
    with refused("RatesTooHigh"):
        market.claim(terms, 1, market.rival)


def test_a_new_rate_card_leaves_running_jobs_at_theirs(market: Market) -> None:
    _, job = market.run()
    market.escrow.setRates((1, 1, 1, 1), {"from": market.provider})
    later(100)
    market.report(job, full(100))
    assert market.escrow.earnedOf(job, 1, market.provider)[0] == price(100)


def test_every_so_many_lapses_cost_the_bond_of_the_run_that_lapsed(market: Market) -> None:
    for lapses in range(1, LAPSES_PER_SLASH + 1):
        terms, _ = market.run()
        later(LAPSE_AFTER + 1)
        tx = market.escrow.lapseJob(terms, market.provider, {"from": market.stranger})
        lost = UNITS if lapses == LAPSES_PER_SLASH else 0
        assert market.escrow.providers(market.provider)[0] == BONDED - lost
    assert tx.events["BondSlashed"]["amount"] == UNITS * BOND_PER_UNIT
    assert market.escrow.providers(market.provider)[5] == LAPSES_PER_SLASH


def test_a_provider_leaves_with_its_bond_after_the_unbonding_time(market: Market) -> None:
    escrow = market.escrow
    escrow.startUnbond({"from": market.rival})
    terms, _ = market.post()
    with refused("StillBonded"):
        market.claim(terms, 1, market.rival)
    with refused("StillBonded"):
        escrow.withdrawBond({"from": market.rival})
    later(UNBOND_TIME)
    escrow.withdrawBond({"from": market.rival})
    assert market.token.balanceOf(market.rival) == HELD
    assert escrow.providers(market.rival)[0] == 0


def test_the_bond_stays_while_a_run_is_not_settled_and_a_dispute_could_follow(
    market: Market,
) -> None:
    escrow = market.escrow
    terms, job = market.run()
    escrow.startUnbond({"from": market.provider})
    later(UNBOND_TIME)
    with refused("StillReserved"):
        escrow.withdrawBond({"from": market.provider})
    market.complete(job, full(100))  # the time runs anew, for disputes over this run
    with refused("StillBonded"):
        escrow.withdrawBond({"from": market.provider})
    assert UNBOND_TIME > 2 * WINDOW + RULING_TIME + GRACE
    dispute = market.dispute(terms, market.consumer)
    market.judge(dispute, 0, 0, 0)
    market.execute(dispute)
    assert escrow.providers(market.provider)[0] == BONDED - UNITS


def test_registering_again_ends_the_unbonding(market: Market) -> None:
    market.escrow.startUnbond({"from": market.rival})
    market.escrow.register(0, RATES, {"from": market.rival})
    assert market.escrow.providers(market.rival)[2] == 0
    terms, _ = market.post()
    market.claim(terms, 1, market.rival)
