"""Connecting a wallet: yes, no, the wrong network, and what a reload keeps."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.people import REJECTED, Person


def test_a_refused_connection_is_told_and_can_be_tried_again(person: Person) -> None:
    page = person.open("/")
    person.wallet.refuse("Connect", person.choosing())
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_contain_text(REJECTED)
    person.wallet.confirm("Connect", dialog.get_by_role("button", name="DRaaS test wallet").click)
    expect(person.wallet_button()).to_be_visible()
    person.reload()
    person.wallet_button().click()
    expect(dialog).to_contain_text("1\u202f000 tokens")
    dialog.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_role("button", name="Connect a wallet")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Connect a wallet")).to_be_visible()
