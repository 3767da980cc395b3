"""Playwright's plain calls keep an event loop in their thread; what needs one of its own runs in another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")
_OTHER = ThreadPoolExecutor(
    1
)  # lives as long as the tests: processes end with the thread that started them


def outside(work: Callable[[], T]) -> T:
    """What this gives, or raises, in a thread without a loop."""
    return _OTHER.submit(work).result()


@contextmanager
def a_loop() -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    """A loop that goes on in a thread of its own, as what takes coroutines and gives what they give."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield lambda work: asyncio.run_coroutine_threadsafe(work, loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
