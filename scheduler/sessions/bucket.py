"""Token buckets: how much somebody may do, in bursts and in the long run. Pure; time is an argument."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(slots=True)
class Bucket:
    """Fills by `rate` a second up to `burst`.

    Args:
        level: what is left; below zero when more was taken than there was.
        at: when it was last looked at, in seconds of a clock that never goes back.
    """

    rate: float
    burst: float
    level: float
    at: float

    @staticmethod
    def full(rate: float, burst: float, now: float) -> Bucket:
        """One that nothing was taken from."""
        return Bucket(rate, burst, burst, now)

    def fill(self, now: float) -> float:
        """What is left now."""
        self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        return self.level

    def take(self, amount: float, now: float) -> float:
        """Take it, also more than there is; the seconds after which it is no longer overdrawn (0: it is not)."""
        self.level = self.fill(now) - amount
        return max(0.0, -self.level / self.rate)

    def take_if(self, amount: float, now: float) -> float:
        """Take it if it is there (0), else nothing: the seconds after which it will be."""
        missing = amount - self.fill(now)
        if missing > 0:
            return missing / self.rate
        self.level -= amount
        return 0.0


class Buckets:
    """One bucket for each name; the names heard of longest ago are forgotten beyond `most`."""

    def __init__(self, rate: float, burst: float, most: int = 10_000) -> None:
        self._rate = rate
        self._burst = burst
        self._most = most
        self._by_name: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, name: str, now: float) -> float:
        """Take one if there is one (0), else the seconds after which there will be."""
        bucket = self._by_name.get(name)
        if bucket is None:
            bucket = self._by_name[name] = Bucket.full(self._rate, self._burst, now)
            if len(self._by_name) > self._most:
                self._by_name.popitem(last=False)
        self._by_name.move_to_end(name)
        return bucket.take_if(1, now)
