"""How fast the chain and a program's output are on the page."""

from __future__ import annotations

import statistics
import threading
import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from web3 import HTTPProvider, Web3

from tests.browser.jobs import Running
from tests.browser.people import Person

WITHIN_BLOCK_MS = 1000
WITHIN_LINE_MS = 300
SEEN = """(pattern) => {
  window.seen = {};
  const look = () => {
    const text = document.querySelector('main').innerText;
    for (const [, found] of text.matchAll(new RegExp(pattern, 'g'))) window.seen[found] ??= Date.now();
  };
  look();
  window.old = Object.keys(window.seen);
  const all = {subtree: true, childList: true, characterData: true};
  new MutationObserver(look).observe(document.querySelector('main'), all);
}"""
NEW = "Object.entries(window.seen).filter(([found]) => !window.old.includes(found))"


class Blocks(threading.Thread):
    """When each block was first there: the node is asked again and again, by its own clock every 10 ms."""

    def __init__(self, rpc_url: str) -> None:
        super().__init__(daemon=True)
        self.w3 = Web3(HTTPProvider(rpc_url))
        self.first: dict[int, float] = {}
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.01):
            self.first.setdefault(self.w3.eth.block_number, time.time() * 1000)


def _new(page: Page, pattern: str, least: int, since: float = 0) -> list[tuple[int, float]]:
    """What came to match on the page, and when (ms). A number below `since` came late because the page did."""
    page.evaluate(SEEN, pattern)
    ends = time.monotonic() + 60
    found: list[Any] = []
    while (
        len(found) < least
    ):  # asked from here: the page's policy forbids what `wait_for_function` would do in it
        assert time.monotonic() < ends, f"only {len(found)} came"
        page.wait_for_timeout(250)
        found = [one for one in page.evaluate(NEW) if int(one[0]) >= since]
    return [(int(what), float(when)) for what, when in found]


def test_what_the_chain_says_is_on_the_page_within_a_second_of_its_block(
    owner: Person, chatty: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bounded by: the scheduler's look for a new head, its read of the events, and one server-sent event."""
    page = owner.open(chatty.path)
    expect(page.locator("li[data-event]").first).to_be_visible()
    blocks = Blocks(str(owner.market.facts["rpc_url"]))
    blocks.start()
    shown = _new(page, r"[Bb]lock\s(\d+)", 5)
    blocks.over.set()
    late = [when - blocks.first[block] for block, when in shown if block in blocks.first]
    with capsys.disabled():
        print(f"\nblock to page, ms: {sorted(round(each) for each in late)}")
    assert len(late) >= 3
    assert max(late) < WITHIN_BLOCK_MS


def test_a_log_line_is_on_the_page_within_300_ms_of_being_printed(
    owner: Person, chatty: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bounded by: Docker's log stream, the agent's link, the scheduler's stream, and 50 ms between drawings."""
    page = owner.open(chatty.path)
    owner.connect()
    page.get_by_role("tab", name="Logs").click()
    owner.sign_in()
    expect(page.get_by_role("log")).to_contain_text("at 1")
    shown = _new(page, r"at (\d{13})", 30, since=time.time() * 1000)
    late = [when - printed for printed, when in shown]
    with capsys.disabled():
        told = [round(each) for each in sorted(late)]
        print(f"\nline to page, ms: median {statistics.median(late):.0f}, all {told}")
    assert statistics.quantiles(late, n=20)[-1] < WITHIN_LINE_MS  # 19 of 20
