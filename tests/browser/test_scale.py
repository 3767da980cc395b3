"""A thousand providers and a log of a hundred thousand lines scroll, and no input is lost or late."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.jobs import Running
from tests.browser.people import Person
from tests.browser.test_strangers import providers
from tests.e2e.market import TestMarket

WHEELS = 40
BY_PX = 240
KEYS = 20
GOOD_MS = 200  # what the web vitals call good for an interaction, to its next picture
WATCH = """() => {
  window.took = []; window.wheels = 0;
  document.addEventListener('wheel', () => window.wheels++, {passive: true, capture: true});
  const drawn = ({timeStamp}) =>
    requestAnimationFrame(() => setTimeout(() => window.took.push(performance.now() - timeStamp)));
  document.addEventListener('keydown', drawn, {capture: true});
}"""


def _scroll(page: Page, box: Locator) -> tuple[list[float], float]:
    """Wheel and keys, one after the other; how long each key took to its picture (ms), and how far the wheel moved
    it."""
    page.evaluate(WATCH)
    box.hover()
    start = _resting(page, box)
    for _ in range(WHEELS):
        page.mouse.wheel(0, BY_PX)
    _comes(page, "window.wheels", WHEELS)  # none was dropped
    moved = _resting(page, box) - start
    box.focus()
    for _ in range(KEYS):
        page.keyboard.press("PageDown")
    _comes(page, "window.took.length", KEYS)
    return [float(each) for each in page.evaluate("window.took")], moved


def _comes(page: Page, what: str, wanted: int) -> None:
    """A number on the page."""
    ends = time.monotonic() + 30
    while (seen := page.evaluate(what)) != wanted:
        assert time.monotonic() < ends, f"{what} is {seen}"
        page.wait_for_timeout(50)


def _resting(page: Page, box: Locator) -> float:
    """How far it is scrolled, once it moves no more."""
    last, now = -1.0, float(box.evaluate("(box) => box.scrollTop"))
    while now != last:
        page.wait_for_timeout(300)
        last, now = now, float(box.evaluate("(box) => box.scrollTop"))
    return now


def _holds(page: Page, box: Locator, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    took, moved = _scroll(page, box)
    with capsys.disabled():
        told = [round(each) for each in sorted(took, reverse=True)]
        print(f"\n{what}: {moved:.0f} px; {KEYS} keys, each to its picture, ms: {told}")
    assert moved >= WHEELS * BY_PX
    assert sum(each > GOOD_MS for each in took) <= KEYS // 20  # a busy machine may be late once


def test_a_thousand_providers_scroll(
    market: TestMarket, site: str, page: Page, capsys: pytest.CaptureFixture[str]
) -> None:
    with providers(market, 1000, "eu-1"):
        page.goto(site)
        expect(page.get_by_text("1001 of 1001 providers")).to_be_visible()
        _holds(page, page.get_by_role("region", name="Marketplace"), "1,001 providers", capsys)
        page.get_by_label("Search address, region, attribute").press_sequentially(
            "eu-1 0x", delay=20
        )
        expect(page.get_by_text("1000 of 1001 providers")).to_be_visible()


def test_a_log_of_a_hundred_thousand_lines_scrolls(
    flooded: Person, flood: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    page = flooded.open(flood.path)
    flooded.connect()
    page.get_by_role("tab", name="Logs").click()
    flooded.sign_in()
    expect(page.get_by_text("100,000 lines")).to_be_visible(timeout=60_000)
    page.get_by_label("Follow the end").uncheck()
    log = page.get_by_role("log")
    log.evaluate("(box) => box.scrollTop = 0")
    expect(log).to_contain_text("line 0 of many")
    _holds(page, log, "100,000 lines", capsys)
    log.evaluate("(box) => box.scrollTop = box.scrollHeight")
    expect(log).to_contain_text("line 99999 of many")
