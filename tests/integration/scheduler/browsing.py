"""One page in a real headless Chromium, without a wallet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Page, async_playwright

from tests.chromium import CHROMIUM, QUIET


@asynccontextmanager
async def browsing(url: str, **looks: Any) -> AsyncIterator[Page]:
    """A page of its own browser, with an empty profile.

    Args:
        looks: of `Browser.new_page`: its size and colours.
    """
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET])
        page = await browser.new_page(**looks)
        await page.goto(url)
        yield page
        await browser.close()


async def until(page: Page, expression: str, within_s: float = 20) -> Any:
    """Its value, once it is one. Asked from here: the page's policy forbids what `wait_for_function` would do in it."""
    async with asyncio.timeout(within_s):
        while not (found := await page.evaluate(expression)):
            await asyncio.sleep(0.05)
        return found
