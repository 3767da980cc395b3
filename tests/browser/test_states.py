"""What only shows when something was done: dialogs, drafts, results, refusals; for everybody to use."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.jobs import Running
from tests.browser.looks import faults_in_each_look
from tests.browser.people import ELSEWHERE, Person, an_agent
from tests.e2e.folders import a_script


def test_axe_finds_nothing_serious_in_a_dialog(owner: Person, chatty: Running) -> None:
    page = owner.open(chatty.path)
    dialog = page.get_by_role("dialog")
    page.get_by_role("button", name="Connect a wallet").click()
    expect(dialog.get_by_role("listitem")).to_be_visible()
    found = {"wallets": faults_in_each_look(page, "dialog-wallets")}
    page.keyboard.press("Escape")
    owner.connect()
    asks = {"top-up": "Top up", "dispute": "Dispute this run", "cancel": "Cancel the job"}
    opens = {name: page.get_by_role("button", name=label) for name, label in asks.items()}
    for name, button in (opens | {"account": owner.wallet_button()}).items():
        button.click()
        expect(dialog).to_be_visible()
        expect(page.get_by_text("Loading…")).to_have_count(0)
        found[name] = faults_in_each_look(page, f"dialog-{name}")
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_axe_finds_nothing_serious_in_a_transaction(owner: Person, chatty: Running) -> None:
    report = next(
        one for one in owner.market.events(chatty.job_id) if one["event"] == "UsageReported"
    )
    page = owner.open(f"/tx/0x{report['transactionHash'].hex().removeprefix('0x')}")
    expect(page.locator("li[data-event=UsageReported]").first).to_be_visible()
    assert faults_in_each_look(page, "transaction") == {}


def test_axe_finds_nothing_serious_with_a_provider(person: Person, chatty: Running) -> None:
    agent = an_agent(person)
    page = agent.open("/provider")
    agent.connect()
    expect(page.get_by_text("takes jobs")).to_be_visible()
    expect(page.get_by_role("heading", name="By consumer")).to_be_visible()
    expect(page.get_by_text("Loading…")).to_have_count(0)
    assert faults_in_each_look(page, "provider-registered") == {}


def test_axe_finds_nothing_serious_in_a_draft_on_either_network(
    person: Person, tmp_path: Path
) -> None:
    page = person.open("/post")
    person.connect()
    page.get_by_label("a folder").set_input_files(a_script(tmp_path / "ticks", "date"))
    expect(page.get_by_role("button", name="Sign and post")).to_be_visible()
    assert faults_in_each_look(page, "post-draft") == {}
    person.hold_again(ELSEWHERE)
    expect(page.get_by_text("The wallet is on another network.")).to_be_visible()
    assert faults_in_each_look(page, "post-elsewhere") == {}
    page.get_by_label("Memory", exact=True).fill("a lot")
    expect(page.get_by_role("alert").filter(has_text="memory")).to_be_visible()
    assert faults_in_each_look(page, "post-faulty") == {}


def test_axe_finds_nothing_serious_in_results(person: Person, left: Running) -> None:
    page = person.open(f"{left.path}?tab=results")
    page.get_by_role("button", name="Fetch and check").click()
    expect(page.locator("[data-file]").first).to_be_visible()
    assert faults_in_each_look(page, "results") == {}
