"""Places that are held for a while: so many for each client, and so many in all."""

from __future__ import annotations


class Seats:
    """Who holds how many."""

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
