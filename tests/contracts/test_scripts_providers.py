"""The scripts of providers, and those that anybody runs over jobs: they do what they say, or say why not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from brownie import accounts

from scripts import (
    jobs,
    lapse,
    list_open_jobs,
    provider_record,
    refund,
    register,
    set_rates,
    unbond,
    withdraw,
)
from tests.contracts.market import (
    BOND_PER_UNIT,
    BONDED,
    CLOSED,
    DEPOSIT,
    DURATION,
    GRACE,
    HELD,
    LAPSE_AFTER,
    OPEN,
    UNBOND_TIME,
    UNITS,
    WINDOW,
    Market,
    full,
    later,
    price,
    says_no,
    terms_hash,
)

Act = Callable[[Any], None]
RATES = ("1000", "20", "5", "50")


@pytest.fixture
def newcomer(market: Market, act: Act) -> Any:
    """A provider to be, with just the tokens for the bond of one job."""
    person = accounts.add("0x" + "a7" * 32)
    accounts[0].transfer(person, "1 ether")
    market.token.transfer(person, UNITS * BOND_PER_UNIT, {"from": accounts[0]})
    act(person)
    return person


def test_a_provider_registers_sets_rates_and_leaves(market: Market, newcomer: Any) -> None:
    with says_no("not registered"):
        set_rates.main(*RATES)
    with says_no("no bond"):
        unbond.main()
    with says_no("With 0 units"):
        register.main("0", *RATES)
    with says_no("are needed"):
        register.main(str(UNITS + 1), *RATES)
    register.main(str(UNITS), *RATES)
    assert market.escrow.providers(newcomer)[0] == UNITS
    with says_no("the rates of .* already"):
        set_rates.main(*RATES)
    set_rates.main("1", "2", "3", "4")
    assert tuple(market.escrow.ratesOf(newcomer, 2)) == (1, 2, 3, 4)
    unbond.main()
    with says_no("still locked"):
        unbond.main()
    register.main("0", *RATES)  # has stayed after all
    assert market.escrow.providers(newcomer)[2] == 0
    unbond.main()
    later(UNBOND_TIME)
    unbond.main()
    assert market.token.balanceOf(newcomer) == UNITS * BOND_PER_UNIT


def test_a_provider_with_a_run_that_is_not_settled_cannot_take_its_bond(
    market: Market, act: Act
) -> None:
    act(market.provider)
    market.run()
    unbond.main()
    later(UNBOND_TIME)
    with says_no(f"hold {UNITS} units"):
        unbond.main()


def test_open_jobs_are_listed_with_what_they_need(
    market: Market, act: Act, capsys: pytest.CaptureFixture[str]
) -> None:
    terms, job = market.post()
    list_open_jobs.main()
    told = capsys.readouterr().out
    for word in (str(job), f"deposit {DEPOSIT}", "1000 m CPU, 512 MiB", "2000 30 7 100", "1 open"):
        assert word in told
    market.claim(terms, 1, market.provider)
    list_open_jobs.main()
    assert "0 open" in capsys.readouterr().out


def test_all_that_is_final_is_withdrawn_in_one_transaction(
    market: Market,
    act: Act,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    act(market.provider)
    monkeypatch.setattr(jobs, "RANGE", 3)  # claims in different requests
    (_, first), (_, second), _ = market.run(), market.run(), market.run()
    later(100)
    batch = [(first, 1, full(100)), (second, 1, full(50))]
    market.escrow.reportUsage(batch, {"from": market.provider})
    with says_no("is final yet"):
        withdraw.main()
    later(2 * WINDOW)
    market.report(first, full(101))  # moves what is final of this one to the credit
    before = market.token.balanceOf(market.provider)
    capsys.readouterr()
    withdraw.main()
    assert f"{price(50)} from 1 runs and {price(100)} of credit" in capsys.readouterr().out
    assert market.token.balanceOf(market.provider) == before + price(150)
    with says_no("is final yet"):
        withdraw.main()


def test_claims_before_the_given_block_are_not_looked_for(market: Market, act: Act) -> None:
    act(market.provider)
    _, job = market.run()
    later(100)
    market.report(job, full(100))
    later(2 * WINDOW)
    with says_no("is final yet"):
        withdraw.main("1000000")
    withdraw.main("0")


def test_a_provider_s_record_is_shown(
    market: Market, act: Act, capsys: pytest.CaptureFixture[str]
) -> None:
    _, job = market.run()
    later(100)
    market.complete(job, full(100))
    market.run()
    act(market.provider)
    capsys.readouterr()
    for words in ((), (market.provider.address,)):
        provider_record.main(*words)
        told = capsys.readouterr().out
        assert f"{BONDED} units, {BONDED * BOND_PER_UNIT} base units" in told
        assert f"reserved       {UNITS} units" in told
        assert "completed      1 runs" in told
        assert f"earned         {price(100)} base units" in told
    with says_no("not registered"):
        provider_record.main(market.stranger.address)


def test_an_ended_job_s_deposit_goes_back(market: Market, act: Act) -> None:
    act(market.stranger)
    terms, job = market.run()
    with says_no("is Running"):
        refund.main(str(job))
    later(100)
    market.report(job, full(100))
    later(DURATION)
    with says_no("last report"):
        refund.main(str(job))
    later(GRACE)
    refund.main(str(job))
    assert market.token.balanceOf(market.consumer) == HELD - price(100)
    with says_no("Nothing is left|is Closed"):
        refund.main(str(job))
    with says_no("There is no job"):
        refund.main("0x" + "ab" * 32)
    posted = jobs.terms_of(market.escrow, str(job))
    assert "0x" + jobs.terms_hash(market.escrow, posted).hex() == terms_hash(terms)


def test_a_cancelled_or_unclaimed_job_s_deposit_goes_back(market: Market, act: Act) -> None:
    act(market.stranger)
    terms, job = market.run()
    market.escrow.cancelJob(terms_hash(terms), {"from": market.consumer})
    market.complete(job, full(0))
    refund.main(str(job))
    _, job = market.post()
    with says_no("is Open"):
        refund.main(str(job))
    later(DURATION)
    refund.main(str(job))
    assert market.escrow.stateOf(job) == CLOSED
    assert market.token.balanceOf(market.consumer) == HELD


def test_silent_jobs_are_listed_and_lapse(
    market: Market, act: Act, capsys: pytest.CaptureFixture[str]
) -> None:
    act(market.stranger)
    (_, first), (_, second), (_, talks) = market.run(), market.run(), market.run()
    with says_no("No running job is silent"):
        lapse.main()
    later(LAPSE_AFTER - 50)
    market.report(talks, full(10))
    later(60)
    capsys.readouterr()
    lapse.show()
    told = capsys.readouterr().out
    assert str(first) in told
    assert str(talks) not in told
    assert "2 silent" in told
    with says_no("Not silent"):
        lapse.main(str(first), str(talks))
    lapse.main(str(first))
    assert market.escrow.stateOf(first) == OPEN
    lapse.main()
    assert market.escrow.stateOf(second) == OPEN
    with says_no("No running job is silent"):
        lapse.main()
