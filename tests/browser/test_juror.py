"""Somebody stakes, to be drawn as a juror, and takes the stake out again."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.people import REJECTED, Person
from tests.browser.slow import reloads_before_its_block
from tests.e2e.checks import GRANT

TOKEN = 10**18


def test_a_stake_is_put_down_and_taken_out_in_parts(person: Person) -> None:
    """All of it, before the next case: who has a stake may be drawn."""
    page = person.open("/juror")
    expect(page.get_by_text("Connect a wallet to see your stake and your cases.")).to_be_visible()
    person.connect()
    expect(page.get_by_text("You have not been drawn for a case.")).to_be_visible()
    expect(page.get_by_role("button", name="Withdraw fees")).to_be_disabled()
    amount = page.get_by_label("Tokens", exact=True)
    stake, take_out = (page.get_by_role("button", name=name) for name in ("Stake", "Take out"))
    expect(amount).to_have_value("10")
    expect(take_out).to_be_disabled()
    amount.fill("0")
    expect(page.get_by_text("That is no amount")).to_be_visible()
    expect(stake).to_be_disabled()
    amount.fill("2000")
    expect(
        page.get_by_text("This takes 2\u202f000 tokens, and you have 1\u202f000.")
    ).to_be_visible()
    amount.fill("12.5")
    person.wallet.confirm("Send", stake.click)  # the tokens are allowed
    reloads_before_its_block(person, "Stake", lambda: None)
    staked = page.locator("[data-fact=staked]")
    expect(staked).to_have_text("12.5")
    assert person.tokens() == GRANT - 25 * TOKEN // 2
    amount.fill("12.6")
    expect(take_out).to_be_disabled()
    amount.fill("2.5")
    person.wallet.refuse("Send", take_out.click)
    expect(page.get_by_role("alert").filter(has_text=REJECTED)).to_be_visible()
    person.wallet.confirm("Send", take_out.click)
    expect(staked).to_have_text("10")
    amount.fill("10")
    reloads_before_its_block(person, "Unstake", take_out.click)
    expect(staked).to_have_text("0")
    assert person.tokens() == GRANT
