"""An answer that may be a little old, so that many who ask cost no more than one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")
LEAST_S = 1.0  # for which it is good; longer when finding it takes long
SHARE = 20  # finding it takes at most one part in so many of all time


class Recent(Generic[T]):
    """Finds something at most once a while; who asks meanwhile gets what was found last.

    Args:
        find: finds it anew.
    """

    def __init__(self, find: Callable[[], Awaitable[T]]) -> None:
        self._find = find
        self._found: tuple[T] | None = None
        self._good_until = 0.0
        self._turn = asyncio.Lock()

    async def get(self) -> T:
        """The answer; whoever comes while it is found anew waits for that one only when there is none yet."""
        if self._found is not None and (self._turn.locked() or time.monotonic() < self._good_until):
            return self._found[0]
        async with self._turn:
            if self._found is not None and time.monotonic() < self._good_until:
                return self._found[0]
            began = time.monotonic()
            self._found = (await self._find(),)
            ended = time.monotonic()
            self._good_until = ended + max(LEAST_S, SHARE * (ended - began))
            return self._found[0]
