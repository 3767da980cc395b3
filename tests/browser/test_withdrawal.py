"""A provider that has left takes its bond out. The chain's clock is put forward for it, which ends every job there is:
nothing of this market may be looked at afterwards, and this file is the last of its folder."""

from __future__ import annotations

from playwright.sync_api import expect
from web3 import Web3
from web3.types import RPCEndpoint

from tests.browser.people import REJECTED, Person, send
from tests.browser.slow import reloads_before_its_block
from tests.e2e.checks import GRANT


def test_a_bond_is_taken_out_once_it_is_free_by_the_chains_clock(person: Person) -> None:
    escrow, token = person.market.escrow, person.market.token
    bond = 100 * escrow.functions.bondPerUnit().call()
    for call in (
        token.functions.approve(escrow.address, bond),
        escrow.functions.register(100, (1, 1, 1, 1)),
        escrow.functions.startUnbond(),
    ):
        send(person.market, person.account, call)
    page = person.open("/provider")
    person.connect()
    take_out = page.get_by_role("button", name="Take the bond out")
    expect(page.get_by_text("The bond is free from")).to_be_visible()
    expect(page.get_by_text("a bond of 0.1 tokens")).to_be_visible()
    expect(take_out).to_be_disabled()
    _pass(person.market.w3, escrow.functions.unbondTime().call())
    expect(take_out).to_be_enabled()
    person.wallet.refuse("Send", take_out.click)
    expect(page.get_by_role("alert").filter(has_text=REJECTED)).to_be_visible()
    assert person.tokens() == GRANT - bond
    reloads_before_its_block(person, "Withdraw bond", take_out.click)
    expect(page.get_by_text("There is no bond to take out.")).to_be_visible()
    assert person.tokens() == GRANT


def _pass(w3: Web3, seconds: int) -> None:
    for method, given in (("evm_increaseTime", [seconds]), ("evm_mine", [])):
        answer = w3.provider.make_request(RPCEndpoint(method), given)
        assert "error" not in answer, answer
