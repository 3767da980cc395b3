"""The deployment: local and live defaults, what the environment changes, and what does not hold together."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from brownie import DRaaSCourt, DRaaSEscrow, accounts

from scripts import deploy, parameters
from scripts import market as shared
from tests.contracts.market import RULING_TIME, UNBOND_TIME, Market, says_no

CID = "b" + "a" * 58
Act = Callable[[Any], None]


@pytest.fixture(autouse=True)
def settings(market: Market, act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOKEN_ADDRESS", "ARBITRATOR_ADDRESS", "META_EVIDENCE"):
        monkeypatch.delenv(name, raising=False)
    for name in (*parameters.COURT, *parameters.ESCROW):
        monkeypatch.delenv(name, raising=False)
    act(market.stranger)


def addresses(told: str) -> dict[str, str]:
    return dict(re.findall(r"^(token|court|escrow) +(0x\w{40})$", told, re.M))


def live(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a network that is not on this machine."""
    monkeypatch.setattr(deploy, "LOCAL", set())
    monkeypatch.setattr(shared, "LOCAL", set())


def test_a_local_market_has_one_juror_and_short_times(
    capsys: pytest.CaptureFixture[str],
) -> None:
    capsys.readouterr()
    deploy.main()
    where = addresses(capsys.readouterr().out)
    court, escrow = DRaaSCourt.at(where["court"]), DRaaSEscrow.at(where["escrow"])
    assert escrow.token() == court.token() == where["token"]
    assert escrow.arbitrator() == where["court"]
    assert tuple(court.parameters()) == tuple(parameters.LOCAL_COURT.values())
    assert court.longestCase() == parameters.longest_case(parameters.LOCAL_COURT)
    assert escrow.rulingTime() >= court.longestCase()
    assert escrow.disputeFee() == parameters.LOCAL_COURT["FEE_PER_JUROR"]
    fixed = parameters.LOCAL_ESCROW
    assert escrow.window() == fixed["WINDOW"]
    assert escrow.lapsesPerSlash() == fixed["LAPSES_PER_SLASH"]
    assert escrow.unbondTime() == fixed["UNBOND_TIME"]


def test_what_exists_is_used_and_the_environment_changes_the_parameters(
    market: Market, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOKEN_ADDRESS", market.token.address.lower())
    monkeypatch.setenv("ARBITRATOR_ADDRESS", market.court.address)
    monkeypatch.setenv("META_EVIDENCE", CID)
    monkeypatch.setenv("WINDOW", "77")
    monkeypatch.setenv("MIN_JURORS", "5")
    monkeypatch.setenv("RULING_TIME", str(RULING_TIME))
    monkeypatch.setenv("UNBOND_TIME", str(UNBOND_TIME))
    capsys.readouterr()
    deploy.main()
    where = addresses(capsys.readouterr().out)
    assert where["token"] == market.token.address
    assert where["court"] == market.court.address
    escrow = DRaaSEscrow.at(where["escrow"])
    assert (escrow.window(), escrow.minJurors()) == (77, 5)


def test_live_defaults_hold_together() -> None:
    for court, escrow in (
        (parameters.COURT, parameters.ESCROW),
        (parameters.LOCAL_COURT, parameters.LOCAL_ESCROW),
    ):
        parameters.check_court(court)
        parameters.check_escrow(
            escrow, parameters.longest_case(court), parameters.last_appeal(court)
        )


def test_a_live_network_needs_a_token_and_a_document_for_the_jurors(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(monkeypatch)
    with says_no("not a test network"):
        deploy.main()
    monkeypatch.setenv("TOKEN_ADDRESS", market.token.address)
    with says_no("META_EVIDENCE is not set"):
        deploy.main()
    monkeypatch.delenv("DRAAS_PRIVATE_KEY")
    with says_no("no account to act with"):
        deploy.main()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("ARBITRATOR_ADDRESS", "0x" + "00" * 19 + "99", "no contract"),
        ("BOND_PER_UNIT", str(2**128), "at most"),
        ("COHERENCE", "10001", "at most 10000"),
        ("JURORS", "2", "has to be odd"),
        ("LAPSES_PER_SLASH", "0", "1 or more"),
        ("MAX_APPEALS", "5", "at most 4"),
        ("META_EVIDENCE", "disputes.json", "no document on IPFS"),
        ("RULING_TIME", "839", "a case can take 780 s, its last appeal can come after 420 s"),
        ("TOKEN_ADDRESS", "0x" + "00" * 19 + "99", "no contract"),
        ("TOKEN_ADDRESS", "0x12", "not an address"),
        ("UNBOND_TIME", "1320", "Set it to 1321 or more"),
        ("WINDOW", "six hours", "not a whole number"),
        ("WINDOW", "0", "1 or more"),
    ],
)
def test_what_does_not_hold_together_is_not_deployed(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(name, value)
    with says_no(reason):
        deploy.main()


def test_the_ruling_time_is_held_against_the_court_that_exists(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARBITRATOR_ADDRESS", market.court.address)
    monkeypatch.setenv("RULING_TIME", str(market.court.longestCase() - 1))
    with says_no("a case can take"):
        deploy.main()


def test_a_deployer_without_ether_sends_nothing(market: Market, act: Act) -> None:
    act(accounts.add("0x" + "ee" * 32))
    with says_no("holds 0 wei"):
        deploy.main()
