"""What every script checks first: its words, the network, the escrow, who acts. When one is wrong it sends nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from brownie import accounts

from scripts import (
    appeal,
    court_advance,
    dispute,
    evidence,
    juror_commit,
    juror_fees,
    juror_reveal,
    juror_stake,
    juror_unstake,
    lapse,
    list_open_jobs,
    provider_record,
    refund,
    register,
    rule_by_default,
    set_rates,
    unbond,
    withdraw,
)
from scripts import market as shared
from tests.contracts.market import Market, says_no

JOB, CID = "0x" + "ab" * 32, "b" + "a" * 58
RATES = ("1000", "20", "5", "50")
WORDS: dict[Any, tuple[str, ...]] = {
    appeal: ("1",),
    court_advance: (),
    dispute: (JOB, "1", CID),
    evidence: ("1", CID),
    juror_commit: ("1", "5000"),
    juror_fees: (),
    juror_reveal: ("1",),
    juror_stake: ("1000",),
    juror_unstake: (),
    lapse: (),
    list_open_jobs: (),
    provider_record: (),
    refund: (JOB,),
    register: ("1512", *RATES),
    rule_by_default: ("1",),
    set_rates: RATES,
    unbond: (),
    withdraw: (),
}
SCRIPTS = pytest.mark.parametrize("script", WORDS, ids=lambda script: script.__name__[8:])


@SCRIPTS
def test_a_missing_or_wrong_escrow_is_said(
    market: Market, act: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch, script: Any
) -> None:
    act(market.provider)
    for where, reason in (
        ("", "ESCROW_ADDRESS is not set"),
        ("0x12", "ESCROW_ADDRESS is not an address"),
        ("0x" + "00" * 19 + "99", "no contract at .* on .*chain"),  # another network
        (market.token.address, "not an escrow"),
    ):
        monkeypatch.setenv("ESCROW_ADDRESS", where)
        with says_no(reason):
            script.main(*WORDS[script])


@SCRIPTS
def test_a_missing_or_wrong_account_is_said_and_no_key_is_shown(
    market: Market, act: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch, script: Any
) -> None:
    if script is list_open_jobs:
        return  # needs none
    monkeypatch.setattr(shared, "LOCAL", set())  # as on a live network
    with says_no("no account to act with"):
        script.main(*WORDS[script])
    monkeypatch.setenv("BROWNIE_ACCOUNT", "nobody")
    with says_no("no account 'nobody'"):
        script.main(*WORDS[script])
    monkeypatch.setenv("DRAAS_PRIVATE_KEY", "0x1234abcd")
    with pytest.raises(SystemExit, match="not a key") as said:
        script.main(*WORDS[script])
    assert "1234abcd" not in str(said.value)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (appeal, ()),
        (appeal, ("x",)),
        (dispute, ("0x12", "1", CID)),
        (dispute, (JOB, "256", CID)),
        (dispute, (JOB, "1", "bafy")),
        (evidence, ("1", "/home/me/log.txt")),
        (juror_commit, ("1", "10001")),
        (juror_commit, ("1",)),
        (juror_reveal, ()),
        (juror_stake, ()),
        (juror_unstake, ("1e18",)),
        (lapse, (JOB, "0x12")),
        (list_open_jobs, ("latest",)),
        (provider_record, ("0x12",)),
        (refund, ()),
        (register, ("1512",)),
        (register, ("4294967296", *RATES)),
        (register, ("-1", *RATES)),
        (rule_by_default, ("",)),
        (set_rates, ()),
        (set_rates, ("1", "2", "3")),
        (set_rates, ("1.5", "2", "3", "4")),
        (set_rates, ("18446744073709551616", "2", "3", "4")),
        (set_rates, ("²", "2", "3", "4")),
        (withdraw, ("0x",)),
    ],
    ids=str,
)
def test_words_that_cannot_be_meant_are_refused(
    market: Market, act: Callable[[Any], None], script: Any, words: tuple[str, ...]
) -> None:
    act(market.provider)
    with says_no("✗"):
        script.main(*words)


def test_an_account_that_cannot_pay_is_told_how_much_it_needs(
    market: Market, act: Callable[[Any], None]
) -> None:
    poor = accounts.add("0x" + "ee" * 32)
    act(poor)
    with says_no("holds 0 base units of the token"):
        register.main("1512", *RATES)
    market.token.transfer(poor, 10**6, {"from": accounts[0]})
    with says_no("holds 0 wei"):
        register.main("10", *RATES)
    assert market.token.allowance(poor, market.escrow) == 0


def test_what_the_contract_would_refuse_is_not_sent(
    market: Market, act: Callable[[Any], None]
) -> None:
    escrow = market.escrow
    with says_no("refuses this: StillBonded"):
        shared.send(market.provider, escrow.withdrawBond)
    market.token.approve(escrow, 0, {"from": market.provider})
    with says_no("refuses this: BondTooLarge"):  # found before the allowance is given
        shared.send_with_tokens(
            market.provider, escrow, 1, escrow.register, 2**32 - 1, (1, 1, 1, 1)
        )
