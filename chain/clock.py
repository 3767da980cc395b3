"""The two clocks: this machine's in milliseconds, and the chain's as its next block would have it."""

from __future__ import annotations

import time


def unix_ms() -> int:
    """This machine's clock, in milliseconds."""
    return time.time_ns() // 1_000_000


class ChainClock:
    """The time that the next block would have.

    Ganache and Anvil make a block only when there is a transaction, so the head's timestamp can stand still while
    time passes; and their clock can have been moved ahead of this machine's. So: this machine's clock, plus how
    far the newest head was ahead of it, if it was.
    """

    def __init__(self) -> None:
        self._ahead = 0
        self.head_time = 0

    def observe(self, head_time: int) -> None:
        """Note the timestamp of the chain's head."""
        if head_time != self.head_time:
            self._ahead = max(0, head_time - int(time.time()))
            self.head_time = head_time

    def now(self) -> int:
        """Chain time in seconds."""
        return max(self.head_time, int(time.time()) + self._ahead)
