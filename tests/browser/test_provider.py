"""A provider registers, names its prices, bonds more, takes out what is earned, and leaves."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.jobs import Running
from tests.browser.people import REJECTED, Person, an_agent, send
from tests.browser.slow import reloads_before_its_block
from tests.browser.test_strangers import providers
from tests.e2e.checks import GRANT, process_of

UNIT = 10**15  # of the bond, in base units


def test_a_provider_registers_bonds_more_leaves_and_stays(person: Person) -> None:
    page = person.open("/provider")
    person.connect()
    expect(page.get_by_text("This address is no provider yet.")).to_be_visible()
    register = page.get_by_role("button", name="Register")
    person.wallet.refuse("Send", register.click)
    expect(page.get_by_role("alert").filter(has_text=REJECTED)).to_be_visible()
    allowed = reloads_before_its_block(person, "Approve", register.click)
    expect(allowed).to_contain_text("What they were for is still to be sent")
    reloads_before_its_block(person, "Register", register.click)
    bonded = page.locator("[data-fact=bonded]")
    expect(bonded).to_have_text("2,024")  # a core and a GiB: 1,000 and 1,024 units
    expect(page.get_by_text("No agent of this address is connected.")).to_be_visible()
    expect(page.get_by_text("No job has run with you yet.")).to_be_visible()
    page.get_by_label("CPUs").fill("0.5")
    page.get_by_label("Memory (MiB)").fill("0")
    more = page.get_by_role("button", name="Bond more capacity")
    person.wallet.confirm("Send", more.click)  # the tokens are allowed
    reloads_before_its_block(person, "Register", lambda: None)
    expect(bonded).to_have_text("2,524")
    assert person.tokens() == GRANT - 2524 * UNIT
    _leaves_and_stays(person)


def _leaves_and_stays(person: Person) -> None:
    page = person.page
    page.get_by_role("button", name="Leave the market").click()
    leave = page.get_by_role("dialog").get_by_role("button", name="Leave", exact=True)
    person.wallet.refuse("Send", leave.click)
    reloads_before_its_block(person, "Start unbond", leave.click)
    expect(page.get_by_text("The bond is free from")).to_be_visible()
    expect(page.get_by_role("button", name="Take the bond out")).to_be_disabled()
    stay = page.get_by_role("button", name="Stay after all")
    reloads_before_its_block(person, "Register", stay.click)
    expect(page.get_by_role("button", name="Leave the market")).to_be_visible()


def test_prices_are_set_and_stand_in_the_marketplace(person: Person) -> None:
    card = (10**10, 10**10, 10**10, 10**10)
    send(person.market, person.account, person.market.escrow.functions.register(0, card))
    page = person.open("/provider")
    person.connect()
    price = page.get_by_label("Tokens per core-hour")
    change = page.get_by_role("button", name="Set the prices")
    expect(change).to_be_disabled()
    price.fill("much")
    expect(page.get_by_text("That is no price")).to_be_visible()
    price.fill("0.072")
    person.wallet.refuse("Send", change.click)
    expect(page.get_by_role("alert").filter(has_text=REJECTED)).to_be_visible()
    reloads_before_its_block(person, "Set rates", change.click)
    expect(price).to_have_value("0.072")
    rates = person.market.escrow.functions.ratesOf(person.address, 2).call()
    assert rates[0] == 2 * 10**10  # for a CPU's millisecond
    with providers(person.market, 0, "eu-1", person.address):
        person.open("/")
        page.get_by_label("Search address, region, attribute").fill(person.address)
        row = page.get_by_role("row").filter(has_text=person.address[:8])
        expect(row).to_contain_text("0.072")


def test_a_provider_sees_its_machine_and_withdraws_what_is_final(
    person: Person, chatty: Running, left: Running
) -> None:
    market = person.market
    agent = an_agent(person)
    page = agent.open("/provider")
    agent.connect()
    expect(page.get_by_text("takes jobs")).to_be_visible()
    expect(page.get_by_text("of 4 free")).to_be_visible()
    expect(page.get_by_text("of 2 GiB free")).to_be_visible()
    expect(page.get_by_role("link", name="chatty")).to_be_visible()
    earned = page.locator("[data-bar]").filter(has_text=f"leaves ({left.job_id[2:6]})")
    run = market.escrow.functions.runs(left.job_id, 1, agent.address).call()
    told = float(earned.locator("[data-fact=amount]").inner_text())
    assert told == pytest.approx(run[0] / 10**18, abs=1e-6)
    withdraw = page.get_by_role("button", name="Withdraw", exact=True)
    process = process_of(market, agent.address)
    process.suspend()  # it withdraws by itself too, with the same key
    try:
        # What it had sent may have left nothing: its last reports are final soon.
        expect(page.locator("[data-fact=pending]")).to_have_text("0")
        expect(withdraw).to_be_enabled()
        before = agent.tokens()
        reloads_before_its_block(agent, "Withdraw", withdraw.click)
        assert agent.tokens() > before
    finally:
        process.resume()
