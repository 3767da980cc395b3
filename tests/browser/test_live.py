"""A page that is open for long: paused, and cut off. It says how it stands, and loses no line."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.jobs import Running
from tests.browser.people import Person, printed, saved_by

STALE = "Stale: the connection is lost, and this is what was known before."


def test_a_log_is_paused_and_cut_off_and_holds_every_line_once(
    owner: Person, chatty: Running
) -> None:
    page = owner.open(f"{chatty.path}?tab=logs")
    owner.connect()
    owner.sign_in()
    live, links = page.locator("[data-link=live]"), page.locator("[data-link]")
    expect(live).to_have_count(2)  # the deployment, and its log
    _pauses(owner)
    page.context.set_offline(True)
    try:
        expect(page.get_by_text(STALE)).to_have_count(2)
    finally:
        page.context.set_offline(False)
    expect(live).to_have_count(2)
    expect(links).to_have_count(2)
    lines = page.locator("[data-fact=lines]")
    was = lines.inner_text()
    expect(lines).not_to_have_text(was)
    page.get_by_role("button", name="Pause").click()
    shown = saved_by(page, page.get_by_role("button", name="Download"))
    told = printed(owner, chatty.job_id)
    assert len(shown.splitlines()) > 20
    assert told.startswith(shown)


def _pauses(owner: Person) -> None:
    """What is printed meanwhile is counted, and is there afterwards."""
    page = owner.page
    lines = page.locator("[data-fact=lines]")
    page.get_by_role("button", name="Pause").click()
    shown = lines.inner_text()
    more = page.get_by_role("button", name=re.compile(r"Go on \(\d+ new\)"))
    expect(more).to_be_visible()
    assert lines.inner_text() == shown
    more.click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(lines).not_to_have_text(shown)
