"""An event loop whose clock jumps ahead whenever everybody waits: what takes minutes takes none, however busy the
machine is."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Jumping(selectors.DefaultSelector):
    """Waits for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is there at once; else time passes."""
        found = super().select(0)
        if not found and timeout:
            self.now += timeout
        return found


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._clock = _Jumping()
        super().__init__(self._clock)

    def time(self) -> float:
        """Seconds of the jumping clock."""
        return self._clock.now


def run(work: Coroutine[Any, Any, T]) -> T:
    """Do it in no time.

    Raises:
        AssertionError: it waits for ever (an hour).
    """

    async def within_an_hour() -> T:
        return await asyncio.wait_for(work, 3600)

    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(within_an_hour())
