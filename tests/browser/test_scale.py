"""A thousand providers and a log of a hundred thousand lines scroll, and no input is lost or late."""

from __future__ import annotations

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
  window.late = []; window.wheels = 0;
  document.addEventListener('wheel', () => window.wheels++, {passive: true, capture: true});
  const keys = (list) => list.getEntries().filter((one) => one.name === 'keydown').map((one) => one.duration);
  new PerformanceObserver((list) => window.late.push(...keys(list)))
    .observe({type: 'event', durationThreshold: 16, buffered: false});
}"""


def _scroll(page: Page, box: Locator) -> tuple[list[float], float]:
    """Wheel and keys, one after the other; how long keys took to their picture (ms), where it was more than a frame,
    and how far the wheel moved it."""
    page.evaluate(WATCH)
    box.hover()
    start = box.evaluate("(box) => box.scrollTop")
    for _ in range(WHEELS):
        page.mouse.wheel(0, BY_PX)
    page.wait_for_timeout(500)
    assert page.evaluate("window.wheels") == WHEELS  # none was dropped
    moved = box.evaluate("(box) => box.scrollTop") - start
    box.focus()
    for _ in range(KEYS):
        page.keyboard.press("PageDown")
    page.wait_for_timeout(500)
    late = [float(each) for each in page.evaluate("window.late")]
    return late, float(moved)


def _holds(page: Page, box: Locator, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    late, moved = _scroll(page, box)
    with capsys.disabled():
        told = [round(each) for each in sorted(late, reverse=True)]
        print(f"\n{what}: {moved:.0f} px; {KEYS} keys, of these later than a frame, ms: {told}")
    assert moved >= WHEELS * BY_PX
    assert sum(each > GOOD_MS for each in late) <= KEYS // 20  # a busy machine may be late once


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
