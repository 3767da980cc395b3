"""Token buckets: how much each client may ask, in bounded memory. Pure: time is an argument."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

MAX_CLIENTS = 20_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests a second in the long run, and so many at once."""

    per_s: float
    burst: float


class Buckets:
    """One bucket a client. The one that was longest unused is forgotten first, and was most likely full again."""

    def __init__(self, rate: Rate, max_clients: int = MAX_CLIENTS) -> None:
        self._rate = rate
        self._max_clients = max_clients
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()  # client -> level, when

    def take(self, client: str, now: float) -> float:
        """Take one from a client's bucket.

        Args:
            client: by which name it is known.
            now: seconds of a clock that never goes back.

        Returns:
            0 when it may go on, else the seconds until it may.
        """
        level, since = self._levels.pop(client, (self._rate.burst, now))
        level = min(self._rate.burst, level + (now - since) * self._rate.per_s)
        allowed = level >= 1
        self._levels[client] = (level - 1 if allowed else level, now)
        if len(self._levels) > self._max_clients:
            self._levels.popitem(last=False)
        return 0.0 if allowed else (1 - level) / self._rate.per_s

    def __len__(self) -> int:
        return len(self._levels)


class Seats:
    """Places that are held for a while, so many for each client and so many in all."""

    def __init__(self, each: int, total: int) -> None:
        self._each = each
        self._total = total
        self._held: dict[str, int] = {}
        self.taken = 0

    def take(self, client: str) -> str:
        """Take a place; says why not, or nothing when it was taken."""
        if self.taken >= self._total:
            return "all"
        held = self._held.get(client, 0)
        if held >= self._each:
            return "client"
        self._held[client] = held + 1
        self.taken += 1
        return ""

    def give_back(self, client: str) -> None:
        """The place is free again."""
        self.taken -= 1
        self._held[client] -= 1
        if self._held[client] == 0:
            del self._held[client]
