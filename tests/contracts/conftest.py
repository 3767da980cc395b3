"""A deployed market on brownie's network, anew for each test."""

from __future__ import annotations

import pytest
from brownie import DRaaSCourt, DRaaSEscrow, ResourceToken, accounts

from tests.contracts.market import BONDED, COURT, HELD, PARAMETERS, RATES, SEAT_STAKE, Market
from tests.contracts.signing import CONSUMER_KEY, PROVIDER_KEY


@pytest.fixture(scope="module")
def deployed() -> Market:
    deployer, rival, stranger, *jurors = accounts[:8]
    consumer, provider = (accounts.add(key) for key in (CONSUMER_KEY, PROVIDER_KEY))
    token = ResourceToken.deploy(deployer, 10**30, {"from": deployer})
    court = DRaaSCourt.deploy(token, COURT, {"from": deployer})
    escrow = DRaaSEscrow.deploy(token, court, "/ipfs/bafymeta", PARAMETERS, {"from": deployer})
    for person in (consumer, provider):
        deployer.transfer(person, "10 ether")
    for person in (consumer, provider, rival, stranger):
        token.transfer(person, HELD, {"from": deployer})
        token.approve(escrow, 2**256 - 1, {"from": person})
    for person in (provider, rival):
        escrow.register(BONDED, RATES, {"from": person})
    for juror in jurors:
        token.transfer(juror, HELD, {"from": deployer})
        token.approve(court, 2**256 - 1, {"from": juror})
        court.stake(2 * SEAT_STAKE, {"from": juror})
    return Market(token, court, escrow, consumer, provider, rival, stranger, jurors)


@pytest.fixture
def market(fn_isolation: None, deployed: Market) -> Market:
    return deployed
