"""What a run has left: its files, byte for byte, and all that it printed."""

from __future__ import annotations

import io
import zipfile

from eth_account import Account
from playwright.sync_api import expect

from tests.browser.jobs import LEFT, Running
from tests.browser.people import Person, printed, saved_by


def test_files_are_checked_and_downloaded_one_by_one_and_together(
    person: Person, left: Running
) -> None:
    page = person.open(left.path)
    page.get_by_role("tab", name="Results").click()
    fetch = page.get_by_role("button", name="Fetch and check")
    expect(fetch).to_be_visible()
    page.reload()
    fetch.click()
    expect(page.get_by_text("Every block was checked against the CID")).to_be_visible()
    assert set(page.locator("[data-file]").all_text_contents()) == set(LEFT)
    one = page.get_by_role("button", name="Download charts/all.bin")
    assert saved_by(page, one) == LEFT["charts/all.bin"]
    together = saved_by(page, page.get_by_role("button", name="Download all (3 files"))
    with zipfile.ZipFile(io.BytesIO(together)) as packed:
        assert {name: packed.read(name) for name in packed.namelist()} == LEFT


def test_a_log_is_searched_and_downloaded_as_it_was_printed(person: Person, left: Running) -> None:
    person.account = Account.from_key(left.consumer.key)
    person.hold()
    page = person.open(f"{left.path}?tab=logs")
    person.connect()
    person.sign_in()
    log, lines = page.get_by_role("log"), page.locator("[data-fact=lines]")
    expect(lines).to_have_text("301 lines")
    page.get_by_label("Search the log").fill("NEEDLE")
    expect(lines).to_have_text("1 line holds it")
    expect(log.locator("[data-line]")).to_have_text("a needle")
    page.get_by_label("Search the log").fill("nowhere")
    expect(log).to_contain_text("No line holds it.")
    page.get_by_label("Search the log").fill("")
    expect(lines).to_have_text("301 lines")
    assert saved_by(page, page.get_by_role("button", name="Download")) == printed(
        person, left.job_id
    )
