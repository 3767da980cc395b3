"""What was spent, as charts, tables and a file; and adding to a deposit."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.jobs import Running
from tests.browser.people import REJECTED, Person
from tests.browser.slow import reloads_before_its_block


def test_spending_is_shown_and_downloaded(owner: Person, chatty: Running) -> None:
    page = owner.open("/usage")
    owner.connect()
    expect(page.get_by_text("chatty").first).to_be_visible(timeout=30_000)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download as CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(saved.value.path()).read_text())))
    assert rows
    assert any(chatty.job_id in row.values() for row in rows)


def test_a_deposit_is_added_to(owner: Person, chatty: Running) -> None:
    page = owner.open(chatty.path)
    owner.connect()
    page.get_by_role("button", name="Top up").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Tokens to add").fill("1.5")
    add = dialog.get_by_role("button", name="Top up")
    before = owner.tokens()
    owner.wallet.refuse("Send", add.click)
    expect(dialog.get_by_role("alert")).to_contain_text(REJECTED)
    allowed = reloads_before_its_block(owner, "Approve", add.click)
    expect(allowed).to_contain_text("What they were for is still to be sent")
    page.get_by_role("button", name="Top up").click()
    dialog.get_by_label("Tokens to add").fill("1.5")
    reloads_before_its_block(owner, "Top up", add.click)
    expect(
        page.locator("li[data-event=ToppedUp], li[data-event=JobToppedUp]").first
    ).to_be_visible()
    assert owner.tokens() == before - 15 * 10**17
