"""A tab behind another holds no connection, and one that was frozen has missed nothing."""

from __future__ import annotations

import time
from pathlib import Path

from tests.browser.tabs import Tab, a_browser
from tests.e2e.folders import a_script
from tests.e2e.market import TestMarket

TICKS = "i=0; while true; do echo tick $i; i=$((i+1)); sleep 0.2; done"
SEEN = "document.visibilityState"
LINKS = "[...document.querySelectorAll('[data-link]')].map((one) => one.dataset.link).join(' ')"
# How many lines there are, and the number in the last of them.
LINES = """[
  parseInt(document.querySelector('[data-fact=lines]')?.textContent.replaceAll(',', '') ?? '0'),
  parseInt([...document.querySelectorAll('[data-line]')].at(-1)?.textContent.split(' ').at(-1) ?? '-1'),
]"""
AWAY_S = 3


def test_a_hidden_tab_and_a_frozen_one_catch_up_with_each_line_once(
    market: TestMarket, site: str, tmp_path: Path
) -> None:
    folder = a_script(tmp_path / "ticks", TICKS, logs="public", duration="5m")
    consumer = market.consumer()
    job = consumer.draas("deploy", folder, "-d", "--json").event("posted")["job"]
    market.until("it runs", lambda: market.state(job) == "Running")
    with a_browser(tmp_path / "profile") as browser:
        tab = browser.open(f"{site}/deployments/{job}?tab=logs")
        other = browser.open("about:blank")
        for is_frozen in (False, True):
            tab.show()
            _is_live(market, tab, 5)
            _is_away(market, tab, other, is_frozen)
    assert consumer.draas("cancel", job).code == 0


def _is_away(market: TestMarket, tab: Tab, other: Tab, is_frozen: bool) -> None:
    """It holds no connection then; back again it has what was printed meanwhile."""
    other.show()
    market.until("it is hidden", lambda: tab.value(SEEN) == "hidden")
    market.until("it lets go", lambda: tab.value(LINKS) == "connecting connecting")
    held = tab.value(LINES)[0]
    if is_frozen:
        tab.freeze(True)
    time.sleep(AWAY_S)
    tab.freeze(False)
    assert tab.value(LINES)[0] == held
    tab.show()
    _is_live(market, tab, held + AWAY_S)


def _is_live(market: TestMarket, tab: Tab, least: int) -> None:
    """So many lines or more are there, each once: their count is that of the numbers up to the last."""

    def is_so() -> bool:
        count, last = tab.value(LINES)
        return bool(tab.value(LINKS) == "live live" and count >= least and count == last + 1)

    market.until(f"{least} lines are there", is_so)
