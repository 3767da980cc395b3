"""The page of a transaction: not known, waiting, in a block, failed."""

from __future__ import annotations

import threading
from typing import Any

import httpx
from playwright.sync_api import expect
from web3 import Web3

from tests.browser.people import Person


def test_a_transaction_is_followed_from_nowhere_to_its_block(person: Person) -> None:
    """Signed with the number after the next, it waits in the node until the one before it is there."""
    market, page = person.market, person.page
    token = market.token.functions
    raw, hash_ = _signed(person, token.approve(market.escrow.address, 5), ahead=1)
    person.open(f"/tx/{hash_}")
    expect(page.get_by_text("The node does not know this transaction yet.")).to_be_visible()
    waiting = threading.Thread(target=_sent, args=(person, raw))  # this node answers with the block
    waiting.start()
    try:
        expect(page.get_by_text("Sent. Waiting for its block…")).to_be_visible()
        expect(page.get_by_role("heading", name="ResourceToken.approve")).to_be_visible()
        page.reload()
        expect(page.get_by_text("Sent. Waiting for its block…")).to_be_visible()
    finally:
        again, refused = _signed(person, token.faucet())
        _sent(person, again)
        waiting.join()
    expect(page.get_by_text("Done", exact=True)).to_be_visible()
    approval = page.locator("li[data-event=Approval]")
    expect(approval).to_contain_text(person.address)
    page.reload()
    expect(approval).to_contain_text(market.escrow.address)
    person.open(f"/tx/{refused}")  # the faucet gives once an hour
    expect(page.get_by_text("Failed", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="ResourceToken.faucet")).to_be_visible()
    person.open("/tx/0x12")
    expect(page.get_by_text("There is no such page.")).to_be_visible()


def _signed(person: Person, call: Any, ahead: int = 0) -> tuple[str, str]:
    """A transaction's bytes and its hash, as hex."""
    w3 = person.market.w3
    nonce = w3.eth.get_transaction_count(person.account.address) + ahead
    built = call.build_transaction({"from": person.address, "nonce": nonce, "gas": 100_000})
    signed = person.account.sign_transaction(built)
    return Web3.to_hex(signed.raw_transaction), Web3.to_hex(signed.hash)


def _sent(person: Person, raw: str) -> None:
    """To the node; what it answers of a call that fails is nothing new."""
    asked = {"jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": [raw]}
    httpx.post(str(person.market.facts["rpc_url"]), json=asked, timeout=60, trust_env=False)
