"""A page is loaded anew while the wallet asks. The answer has nobody to go to, and nothing is lost or done twice."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.people import Person, drop_folder, with_coins
from tests.browser.wallet import NAME
from tests.e2e.checks import GRANT
from tests.e2e.folders import a_script


def _answers(person: Person, title: str) -> None:
    """Yes, to the question that is open."""
    person.wallet.confirm(title, lambda: None)


def _posted(person: Person) -> int:
    """How many jobs of this person's there are."""
    jobs = person.market.escrow.events.JobPosted
    return len(jobs.get_logs(from_block=0, argument_filters={"consumer": person.address}))


def test_a_connection_is_asked_for_once(person: Person) -> None:
    page = person.open("/")
    person.wallet.ask("Connect", person.choosing())
    page.reload()
    page.get_by_role("button", name="Connect a wallet").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=NAME).click()
    expect(dialog.get_by_role("alert")).to_contain_text("The wallet has a question open already.")
    _answers(person, "Connect")
    expect(dialog).to_contain_text(person.address)  # as soon as the wallet tells of it
    person.reload()


def test_tokens_that_were_asked_for_are_there(person: Person, tmp_path: Path) -> None:
    person.account = with_coins(person.market, tokens=False)
    person.hold()
    page = _a_draft(person, tmp_path)
    person.wallet.ask("Send", page.get_by_role("button", name="Get test tokens").click)
    person.reload()
    expect(page.get_by_role("button", name="Get test tokens")).to_be_visible()
    _answers(person, "Send")
    expect(page.get_by_role("button", name="Sign and post")).to_be_enabled()
    assert person.tokens() == GRANT


def test_a_job_is_posted_once(person: Person, tmp_path: Path) -> None:
    page = _a_draft(person, tmp_path)
    submit = page.get_by_role("button", name="Sign and post")
    person.wallet.ask("Sign typed data", submit.click)
    person.reload()
    expect(page.get_by_text("What you had begun is still here.")).to_be_visible()
    _answers(person, "Sign typed data")  # which sends nothing
    expect(submit).to_be_enabled()
    person.wallet.confirm("Sign typed data", submit.click)
    person.wallet.ask("Send", lambda: None)
    person.reload()
    expect(submit).to_be_enabled()
    assert _posted(person) == 0
    _answers(person, "Send")
    expect(page.get_by_text("This was sent to the chain before.")).to_be_visible()
    expect(submit).to_be_disabled()
    page.get_by_role("link", name="Look at it").click()
    expect(page.locator("li[data-event=JobPosted]")).to_be_visible()
    assert _posted(person) == 1


def test_a_provider_is_registered_by_two_calls_that_outlive_their_page(person: Person) -> None:
    page = person.open("/provider")
    person.connect()
    register = page.get_by_role("button", name="Register")
    token, escrow = person.market.token.functions, person.market.escrow
    person.wallet.ask("Send", register.click)
    person.reload()
    _answers(person, "Send")
    allowed = token.allowance(person.address, escrow.address)
    person.market.until("the tokens are allowed", lambda: allowed.call() > 0)
    person.wallet.ask("Send", register.click)  # which is the registration at once
    person.reload()
    expect(register).to_be_visible()
    _answers(person, "Send")
    expect(page.locator("[data-fact=bonded]")).to_have_text("2,024")
    assert allowed.call() == 0


def _a_draft(person: Person, tmp_path: Path) -> Page:
    page = person.open("/post")
    drop_folder(page, a_script(tmp_path / "once", "date"))
    person.connect()
    return page
