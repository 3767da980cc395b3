"""The page of a transaction: not known, waiting, in a block, failed; and what it says of each."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import httpx
from playwright.sync_api import Locator, Page, expect
from web3 import Web3

from tests.browser.jobs import Running
from tests.browser.looks import faults_in_each_look
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
    expect(approval.locator("[data-arg=value]")).to_have_text("0.000000000000000005 tokens")
    page.reload()
    expect(approval).to_contain_text(market.escrow.address)
    person.open(f"/tx/{refused}")  # the faucet gives once an hour
    expect(page.get_by_text("Failed", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="ResourceToken.faucet")).to_be_visible()
    expect(page.get_by_text("The faucet gives once an hour.")).to_be_visible()
    expect(page.locator("[data-arg=opensAt]")).to_contain_text(str(datetime.now(UTC).year))
    person.open("/tx/0x12")
    expect(page.get_by_text("There is no such page.")).to_be_visible()


def test_a_posted_job_is_told_in_tokens_times_and_sizes_and_exactly(
    owner: Person, chatty: Running
) -> None:
    page = _opened(owner, chatty, "JobPosted")
    posted = page.locator("li[data-event=JobPosted]")
    terms = owner.market.events(chatty.job_id)[0]["args"]["terms"]
    expect(_told(posted, "duration")).to_have_text("10 min 0 s")
    expect(_told(posted, "cpuMillis")).to_have_text("0.3 CPU")
    expect(_told(posted, "memoryMib")).to_have_text("64 MiB")
    expect(_told(posted, "cpuMs")).to_contain_text("tokens per core-hour")
    expect(_told(posted, "deposit")).to_contain_text("tokens")
    expect(_told(posted, "cid").get_by_role("button")).to_have_accessible_name(
        f"Copy {terms['cid']}"
    )
    raw = posted.get_by_text("Raw", exact=True)
    raw.focus()
    page.keyboard.press("Enter")
    expect(posted.get_by_text(f'"cpuMs":"{terms["maxRates"]["cpuMs"]}"')).to_be_visible()
    assert faults_in_each_look(page, "transaction-posted") == {}


def test_a_batch_of_reports_is_told_item_by_item(owner: Person, chatty: Running) -> None:
    page = _opened(owner, chatty, "UsageReported")
    call = page.locator("section").filter(has_text="DRaaSEscrow.reportUsage")
    expect(_told(call, "attempt").first).to_have_text("1")
    expect(_told(call, "memoryMibS").first).to_contain_text("MiB-seconds")
    expect(_told(call, "jobId").first.get_by_role("link")).to_be_visible()
    assert faults_in_each_look(page, "transaction-reports") == {}


def _opened(person: Person, job: Running, event: str) -> Page:
    """The page of the transaction that told this of the job first."""
    told = next(one for one in person.market.events(job.job_id) if one["event"] == event)
    page = person.open(f"/tx/{Web3.to_hex(told['transactionHash'])}")
    expect(page.locator(f"li[data-event={event}]").first).to_be_visible()
    return page


def _told(inside: Locator, name: str) -> Locator:
    return inside.locator(f"[data-arg={name}]")


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
