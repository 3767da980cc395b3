"""The real MetaMask, where somebody has unpacked it; its own screens are for people to go through (docs)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from tests.browser.wallet import chromium

FOLDER = os.environ.get("METAMASK_EXTENSION_DIR", "")


@pytest.mark.skipif(not FOLDER, reason="METAMASK_EXTENSION_DIR names no unpacked MetaMask")
def test_metamask_is_found_and_comes_first(
    playwright: Playwright, site: str, tmp_path: Path
) -> None:
    with chromium(playwright, tmp_path, Path(FOLDER)) as context:
        page = context.new_page()
        page.goto(site)
        page.get_by_role("button", name="Connect a wallet").click()
        expect(page.get_by_role("dialog").get_by_role("listitem").first).to_contain_text("MetaMask")
