"""The scripts for providers and operators: they do what they say, or say why not and send nothing."""

from __future__ import annotations

from typing import Any

import pytest
from brownie import accounts, chain, network, web3

from scripts import deploy, list_open_jobs, register, rule, set_rates, unbond, withdraw
from tests.contracts.conftest import MIN_BOND, UNBOND_TIME, WINDOW, Market, full, price

KEY = "0x" + "a7" * 32
RATES = ("1000", "20", "5", "50")


@pytest.fixture
def provider(market: Market, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A provider that is not one of the chain's own accounts, named by its key."""
    person = accounts.add(KEY)
    accounts[0].transfer(person, "1 ether")
    market.token.transfer(person, 10**6, {"from": accounts[0]})
    monkeypatch.setenv("DRAAS_PRIVATE_KEY", KEY)
    monkeypatch.setenv("ESCROW_ADDRESS", market.escrow.address)
    return person


def sent() -> int:
    return int(web3.eth.block_number)


def test_a_provider_registers_sets_rates_and_leaves(market: Market, provider: Any) -> None:
    register.main(str(MIN_BOND), *RATES)
    assert tuple(market.escrow.providers(provider)) == (MIN_BOND, 0, 1)
    set_rates.main("1", "2", "3", "4")
    assert tuple(market.escrow.ratesOf(provider, 2)) == (1, 2, 3, 4)
    unbond.main()
    with pytest.raises(SystemExit, match="still locked"):
        unbond.main()
    chain.sleep(UNBOND_TIME)
    chain.mine()
    unbond.main()
    assert market.token.balanceOf(provider) == 10**6


def test_a_provider_sees_open_jobs_and_withdraws_what_is_final(
    market: Market, provider: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    register.main(str(MIN_BOND), *RATES)
    terms, job = market.post()
    list_open_jobs.main()
    assert str(job) in capsys.readouterr().out
    market.claim(terms, 1, provider)
    list_open_jobs.main()
    assert "0 open" in capsys.readouterr().out
    chain.sleep(100)
    market.escrow.reportUsage([(job, 1, full(100))], {"from": provider})
    with pytest.raises(SystemExit, match="final"):
        withdraw.main()
    chain.sleep(2 * WINDOW)
    chain.mine()
    withdraw.main()
    assert market.token.balanceOf(provider) == 10**6 - MIN_BOND + price(100)


def test_only_the_arbiter_rules_and_only_a_dispute(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESCROW_ADDRESS", market.escrow.address)
    _, job = market.run()
    blocks = sent()
    with pytest.raises(SystemExit, match="not the arbiter"):
        rule.main(str(job), "1", "5000")
    assert sent() == blocks
    deploy.main()  # the deployer is this one's arbiter
    monkeypatch.setenv(
        "ESCROW_ADDRESS", web3.eth.get_transaction_receipt(last_tx())["contractAddress"]
    )
    with pytest.raises(SystemExit, match="not disputed"):
        rule.main(str(job), "1", "5000")


def last_tx() -> Any:
    return web3.eth.get_block("latest")["transactions"][0]


@pytest.mark.parametrize("address", ["", "0x12", "0x" + "00" * 19 + "01"])
def test_a_missing_or_wrong_address_is_said_and_nothing_sent(
    market: Market, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("ESCROW_ADDRESS", address)
    blocks = sent()
    for script, arguments in (
        (set_rates, RATES),
        (unbond, ()),
        (withdraw, ()),
        (list_open_jobs, ()),
    ):
        with pytest.raises(SystemExit, match="Nothing was sent"):
            script.main(*arguments)
    assert sent() == blocks


def test_a_chain_without_accounts_of_its_own_needs_one_to_be_named(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESCROW_ADDRESS", market.escrow.address)
    monkeypatch.setenv("BROWNIE_ACCOUNT", "nobody")
    blocks = sent()
    with pytest.raises(SystemExit, match="no account 'nobody'"):
        unbond.main()
    monkeypatch.setenv("DRAAS_PRIVATE_KEY", "0x12")
    with pytest.raises(SystemExit, match="not a key") as refused:
        unbond.main()
    assert "0x12" not in str(refused.value)
    assert sent() == blocks


@pytest.mark.parametrize(
    "words", [(), ("1", "2", "3"), ("-1", "2", "3", "4"), ("1.5", "2", "3", "4")]
)
def test_words_that_are_no_amounts_are_refused(market: Market, words: tuple[str, ...]) -> None:
    blocks = sent()
    with pytest.raises(SystemExit, match="Nothing was sent"):
        set_rates.main(*words)
    assert sent() == blocks
    assert network.is_connected()
