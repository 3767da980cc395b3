"""One market, one set of pages and one browser with the test wallet for the whole folder."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account import Account
from playwright.sync_api import Page, Playwright, expect, sync_playwright

from tests.browser.jobs import Job, Running, begin
from tests.browser.people import Person, empty_page, holder, with_coins
from tests.browser.threads import outside
from tests.browser.wallet import ROOT, Wallet, a_wallet, build_wallet
from tests.chromium import CHROMIUM
from tests.e2e.market import QUICK_RULES, TestMarket, start_market


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed. Run: scripts/setup.sh browser")
    expect.set_options(timeout=20_000)  # a slow machine is not a fault
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def wallet_folder() -> Path:
    """The unpacked test wallet."""
    return build_wallet()


@pytest.fixture(scope="package")
def wallet(
    playwright: Playwright, wallet_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Wallet]:
    """A browser with the test wallet."""
    with a_wallet(playwright, tmp_path_factory.mktemp("profile"), wallet_folder) as running:
        yield running


@pytest.fixture(scope="package")
def built_pages(playwright: Playwright) -> None:
    """The front end, built from what is here now."""
    subprocess.run(["scripts/setup.sh", "frontend"], cwd=ROOT, check=True)


@pytest.fixture(scope="package")
def market(built_pages: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestMarket]:
    """Ganache, contracts, store, scheduler, one agent, and the pages."""
    options = (*QUICK_RULES, "--agents", "1", "--agent-cpus", "4", "--agent-memory", "2G")
    home = tmp_path_factory.mktemp("market") / "home"
    running = start_market(home, *options, frontend=True)
    yield running
    assert outside(running.stop) == 0


@pytest.fixture(scope="package")
def jobs(market: TestMarket, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Job]:
    """Jobs that nobody waits for yet."""
    return begin(market, tmp_path_factory.mktemp("folders"))


@pytest.fixture(scope="package")
def site(market: TestMarket, jobs: dict[str, Job]) -> str:
    """The address of the pages."""
    return str(market.facts["frontend_url"])


@pytest.fixture
def page(wallet: Wallet, site: str) -> Iterator[Page]:
    """An empty page of a browser that remembers nothing."""
    with empty_page(wallet, site) as opened:
        yield opened


@pytest.fixture
def person(market: TestMarket, site: str, wallet: Wallet, page: Page) -> Person:
    """Somebody new with coins and tokens, whose wallet is on the market's chain."""
    return holder(market, site, wallet, page, with_coins(market))


@pytest.fixture(scope="package")
def chatty(market: TestMarket, jobs: dict[str, Job]) -> Running:
    """A job that prints and spends all the time."""
    return _running(market, jobs["chatty"])


@pytest.fixture(scope="package")
def flood(market: TestMarket, jobs: dict[str, Job]) -> Running:
    """A job that has printed a hundred thousand lines."""
    return _running(market, jobs["flood"])


@pytest.fixture(scope="package")
def disputed(market: TestMarket, jobs: dict[str, Job]) -> Running:
    """A job for the court."""
    return _running(market, jobs["disputed"])


def _running(market: TestMarket, job: Job) -> Running:
    job_id = job.posted()
    market.until("it runs", lambda: market.state(job_id) == "Running")
    return Running(job.consumer, job_id)


@pytest.fixture(scope="package")
def left(market: TestMarket, jobs: dict[str, Job]) -> Running:
    """A job whose run has ended, and has left files."""
    job_id = jobs["leaves"].posted()
    market.until("it has ended", lambda: market.state(job_id) in ("Ended", "Closed"))
    return Running(jobs["leaves"].consumer, job_id)


@pytest.fixture
def owner(market: TestMarket, site: str, wallet: Wallet, page: Page, chatty: Running) -> Person:
    """Whoever posted the job that prints and spends."""
    return holder(market, site, wallet, page, Account.from_key(chatty.consumer.key))


@pytest.fixture
def flooded(market: TestMarket, site: str, wallet: Wallet, page: Page, flood: Running) -> Person:
    """Whoever posted the job that has printed so much."""
    return holder(market, site, wallet, page, Account.from_key(flood.consumer.key))
