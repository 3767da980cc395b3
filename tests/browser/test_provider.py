"""A provider registers, takes out what is earned, and leaves."""

from __future__ import annotations

from eth_account import Account
from playwright.sync_api import expect

from tests.browser.jobs import Running
from tests.browser.people import Person, holder
from tests.e2e.checks import process_of

REJECTED = "You said no in the wallet."


def test_a_provider_registers_and_leaves_again(person: Person) -> None:
    page = person.open("/provider")
    person.connect()
    expect(page.get_by_text("This address is no provider yet.")).to_be_visible()
    register = page.get_by_role("button", name="Register")
    person.wallet.refuse("Send", register.click)
    expect(page.get_by_role("alert").filter(has_text=REJECTED)).to_be_visible()
    person.wallet.confirm("Send", register.click)  # the bond is allowed
    person.wallet.confirm("Send", lambda: None)
    expect(page.get_by_text("No agent of this address is connected.")).to_be_visible()
    person.reload()
    expect(
        page.get_by_text("2,024").first
    ).to_be_visible()  # a core and a GiB: 1,000 and 1,024 units
    page.get_by_role("button", name="Leave the market").click()
    leave = page.get_by_role("dialog").get_by_role("button", name="Leave", exact=True)
    person.wallet.refuse("Send", leave.click)
    person.wallet.confirm("Send", leave.click)
    expect(page.get_by_text("The bond is free from")).to_be_visible()
    person.reload()
    expect(page.get_by_text("The bond is free from")).to_be_visible()


def test_a_provider_sees_its_machine_and_withdraws_what_is_final(
    person: Person, chatty: Running
) -> None:
    market = person.market
    home = market.home / "local" / "agent-1"
    key = Account.decrypt((home / "keystore.json").read_text(), (home / "password").read_text())
    agent = holder(market, person.site, person.wallet, person.page, Account.from_key(key))
    page = agent.open("/provider")
    agent.connect()
    expect(page.get_by_text("takes jobs")).to_be_visible()
    withdraw = page.get_by_role("button", name="Withdraw", exact=True)
    process = process_of(market, agent.address)
    process.suspend()  # it withdraws by itself too, with the same key
    try:
        expect(withdraw).to_be_enabled()
        before = agent.tokens()
        agent.wallet.confirm("Send", withdraw.click)
        market.until("it is paid", lambda: agent.tokens() > before, 15)
    finally:
        process.resume()
