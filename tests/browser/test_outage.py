"""The scheduler dies under open pages: they say so, keep what they show, and catch up by themselves once it is back."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from playwright.sync_api import Page, expect

from cli.frontend import PAGES
from tests.browser.people import empty_page, saved_by
from tests.browser.test_live import STALE
from tests.browser.threads import a_loop
from tests.browser.wallet import NAME, Wallet
from tests.e2e.folders import a_script
from tests.e2e.parts import Parts, a_market

Run = Callable[[Coroutine[Any, Any, Any]], Any]
TICKS = "i=0; while true; do echo tick $i; i=$((i+1)); sleep 0.2; done"
SOON_MS = 10_000
SILENCE_MS = 20_000  # to be told from a quiet market


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Carries out what is asynchronous."""
    with a_loop() as given:
        yield given


@pytest.fixture(scope="module")
def parts(built_pages: None, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    """A market of its own, with its pages."""
    stack = AsyncExitStack()
    home = tmp_path_factory.mktemp("parts") / "home"
    try:
        yield run(stack.enter_async_context(a_market(home, frontend=True)))
    finally:
        run(stack.aclose())


@pytest.fixture
def opened(wallet: Wallet, parts: Parts) -> Iterator[Page]:
    """A page in a browser whose wallet is the market's own consumer."""
    who, net = parts.net.consumer, parts.net
    key = Account.decrypt(who.keystore.read_text(), who.password_file.read_text()).hex()
    with empty_page(wallet, parts.wanted[PAGES].url) as page:
        wallet.hold([key], {net.chain_id: net.rpc_url}, net.chain_id)
        yield page


def _reads_the_log(page: Page, wallet: Wallet) -> None:
    page.get_by_role("button", name="Connect a wallet").click()
    wallet.confirm("Connect", page.get_by_role("dialog").get_by_role("button", name=NAME).click)
    wallet.confirm("Sign in", page.get_by_role("button", name="Sign in", exact=True).click)
    expect(page.get_by_role("log")).to_contain_text("tick")


def _opened_beside(page: Page, url: str) -> Page:
    other = page.context.new_page()
    other.goto(url)
    return other


def test_pages_outlive_their_scheduler(
    run: Run, parts: Parts, wallet: Wallet, opened: Page, tmp_path: Path
) -> None:
    folder = a_script(tmp_path / "ticks", TICKS, duration="10m")
    job = run(parts.draas("deploy", str(folder), "-d"))["job"]
    run(parts.until(job, "Running", phase="running"))
    site, page = parts.wanted[PAGES].url, opened
    page.goto(f"{site}/deployments/{job}?tab=logs")
    _reads_the_log(page, wallet)
    market = _opened_beside(page, site)
    dashboard = _opened_beside(page, f"{parts.url}/dashboard")
    live, lines = page.locator("[data-link=live]"), page.locator("[data-fact=lines]")
    offers = market.get_by_role("region", name="Marketplace")
    health = dashboard.locator("#health")
    expect(live).to_have_count(2)
    expect(market.get_by_text("1 of 1 provider")).to_be_visible()
    expect(health).to_have_text("ready and live")

    run(parts.kill("scheduler"))
    expect(page.get_by_text(STALE)).to_have_count(2, timeout=SOON_MS)
    fault = market.get_by_role("alert").filter(has_text=STALE)
    expect(fault).to_be_visible(timeout=SOON_MS)
    expect(health).to_contain_text("stale: this is of", timeout=SOON_MS)
    expect(page.get_by_role("heading", name="ticks")).to_be_visible()
    expect(page.get_by_role("log")).to_contain_text("tick")
    expect(offers.get_by_role("row")).to_have_count(2)  # the heads, and the provider
    expect(dashboard.get_by_role("cell", name="ticks", exact=True)).to_be_visible()
    known = lines.inner_text()

    run(parts.start("scheduler"))
    expect(live).to_have_count(2)
    expect(fault).to_have_count(0)
    expect(health).to_have_text("ready and live")
    expect(lines).not_to_have_text(known)
    page.get_by_role("button", name="Pause").click()
    shown = saved_by(page, page.get_by_role("button", name="Download")).decode()
    ticks = [int(number) for number in re.findall(r" tick (\d+)$", shown, re.M)]
    assert len(ticks) > int(known.split()[0].replace(",", ""))
    assert ticks == list(range(len(ticks)))


def test_a_page_says_that_its_scheduler_hangs(parts: Parts, opened: Page) -> None:
    page = opened
    page.goto(parts.wanted[PAGES].url)
    expect(page.get_by_text("1 of 1 provider")).to_be_visible()
    told = page.get_by_text("Nobody tells this page what is new.")
    parts.freeze("scheduler", on=True)
    try:
        expect(told).to_be_visible(timeout=SILENCE_MS)
        expect(page.get_by_text("1 of 1 provider")).to_be_visible()
    finally:
        parts.freeze("scheduler", on=False)
    expect(told).to_have_count(0)
