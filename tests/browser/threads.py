"""Playwright's plain calls keep an event loop in their thread; what needs one of its own runs in another."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
_OTHER = ThreadPoolExecutor(
    1
)  # lives as long as the tests: processes end with the thread that started them


def outside(work: Callable[[], T]) -> T:
    """What this gives, or raises, in a thread without a loop."""
    return _OTHER.submit(work).result()
