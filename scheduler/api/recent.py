"""An answer that may be a little old, so that many who ask cost no more than one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")
LEAST_S, MOST_S = 1.0, 15.0  # for which it is good; the longer the more finding it takes
OLD_S = 5.0  # from which on whoever shows it should say how old it is, once it is good no more
SHARE = 20  # finding it takes at most one part in so many of all time, unless it takes very long


class Recent(Generic[T]):
    """Finds something at most once a while; who asks meanwhile gets what was found last.

    Args:
        find: finds it anew.
        most_s: for which it is good at most.
    """

    def __init__(self, find: Callable[[], Awaitable[T]], most_s: float = MOST_S) -> None:
        self._find = find
        self._most_s = most_s
        self._found: tuple[T] | None = None
        self._found_at = self._good_until = 0.0
        self._turn = asyncio.Lock()

    @property
    def outdated_s(self) -> int:
        """How old the answer is that `get` gives; 0 while it is good, or that is nothing to speak of."""
        now = time.monotonic()
        is_old = now >= max(self._good_until, self._found_at + OLD_S)
        return round(now - self._found_at) if self._found is not None and is_old else 0

    async def get(self) -> T:
        """The answer; whoever comes while it is found anew waits for that one only when there is none yet."""
        if self._found is not None and (self._turn.locked() or time.monotonic() < self._good_until):
            return self._found[0]
        async with self._turn:
            if self._found is not None and time.monotonic() < self._good_until:
                return self._found[0]
            began = time.monotonic()
            self._found = (await self._find(),)
            self._found_at = ended = time.monotonic()
            self._good_until = ended + min(self._most_s, max(LEAST_S, SHARE * (ended - began)))
            return self._found[0]
