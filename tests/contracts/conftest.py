"""A deployed market on brownie's network, anew for each test, and who acts when a script is run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from brownie import DRaaSCourt, DRaaSEscrow, ResourceToken, accounts

from tests.contracts.market import BONDED, COURT, HELD, PARAMETERS, RATES, SEAT_STAKE, Market
from tests.contracts.signing import CONSUMER_KEY, PROVIDER_KEY

OTHER_KEYS = ["0x" + f"{number:02x}" * 32 for number in range(0xD0, 0xD7)]
SETTINGS = ("BROWNIE_ACCOUNT", "DRAAS_PRIVATE_KEY", "ESCROW_ADDRESS", "FROM_BLOCK")


@pytest.fixture(scope="module")
def deployed() -> Market:
    deployer = accounts[0]
    consumer, provider, rival, stranger, *jurors = people = [
        accounts.add(key) for key in (CONSUMER_KEY, PROVIDER_KEY, *OTHER_KEYS)
    ]
    token = ResourceToken.deploy(deployer, 10**30, {"from": deployer})
    court = DRaaSCourt.deploy(token, COURT, {"from": deployer})
    escrow = DRaaSEscrow.deploy(token, court, "/ipfs/bafymeta", PARAMETERS, {"from": deployer})
    for person in people:
        deployer.transfer(person, "10 ether")
        token.transfer(person, HELD, {"from": deployer})
        token.approve(court if person in jurors else escrow, 2**256 - 1, {"from": person})
    for person in (provider, rival):
        escrow.register(BONDED, RATES, {"from": person})
    for juror in jurors:
        court.stake(2 * SEAT_STAKE, {"from": juror})
    return Market(token, court, escrow, consumer, provider, rival, stranger, jurors)


@pytest.fixture
def market(fn_isolation: None, deployed: Market) -> Market:
    return deployed


@pytest.fixture
def act(market: Market, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Any], None]:
    """The scripts are about this market's escrow; `act(person)` has them act for a person from now on."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DRAAS_HOME", str(tmp_path))
    monkeypatch.setenv("ESCROW_ADDRESS", market.escrow.address)
    return lambda person: monkeypatch.setenv("DRAAS_PRIVATE_KEY", person.private_key)
