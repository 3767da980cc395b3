"""One browser with the test wallet for the whole folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, sync_playwright

from tests.browser.wallet import CHROMIUM, Wallet, a_wallet, build_wallet


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    if not Path(CHROMIUM).exists():
        pytest.fail(
            f"There is no {CHROMIUM}. Debian: sudo apt-get install chromium fonts-liberation"
        )
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def wallet_folder() -> Path:
    """The unpacked test wallet."""
    return build_wallet()


@pytest.fixture(scope="session")
def wallet(
    playwright: Playwright, wallet_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Wallet]:
    """A browser with the test wallet."""
    with a_wallet(playwright, tmp_path_factory.mktemp("profile"), wallet_folder) as running:
        yield running
