"""How much script a page loads."""

from __future__ import annotations

import httpx
from playwright.sync_api import Page

MOST = 250_000  # bytes as they come over the line


class Scripts:
    """Those that a page asks for from now on, what is in its cache too."""

    def __init__(self, page: Page) -> None:
        self.urls: set[str] = set()
        page.on(
            "request",
            lambda asked: self.urls.add(asked.url) if asked.resource_type == "script" else None,
        )

    def bytes(self) -> int:
        """Of all of them, compressed."""
        return sum(_compressed(url) for url in self.urls)


def _compressed(url: str) -> int:
    with httpx.stream("GET", url, headers={"accept-encoding": "gzip"}, trust_env=False) as answer:
        return sum(len(part) for part in answer.iter_raw())
