"""Whose build is next: a queue that is fair between consumers. Pure: no clock, no tasks.

A free slot goes to the consumer with the fewest builds running, then to the longest waiting. So a consumer with a
hundred slow builds delays another's by one slot at most, and by nothing while a consumer may not fill all slots.
"""

from __future__ import annotations

from collections import Counter

from chain.job import Address, Cid


class Room:
    """The slots and the queue.

    Args:
        at_once: builds that may run at the same time.
        per_consumer: of them, one consumer's.
    """

    def __init__(self, at_once: int, per_consumer: int) -> None:
        self._at_once = at_once
        self._per_consumer = per_consumer
        # For each bundle, since when each of its consumers waits, as a running number.
        self._waiting: dict[Cid, dict[Address, int]] = {}
        self._building: dict[Cid, Address] = {}
        self._number = 0
        self._order: dict[Cid, int] | None = None  # forgotten at every change

    def ask(self, cid: Cid, consumer: Address) -> None:
        """Queue up; nothing happens for what waits or is built already."""
        if cid in self._building:
            return
        self._number += 1
        self._waiting.setdefault(cid, {}).setdefault(consumer, self._number)
        self._order = None

    def take(self) -> Cid | None:
        """Give the next bundle a slot; None when none is free or nobody may have one."""
        if len(self._building) >= self._at_once:
            return None
        running = Counter(self._building.values())
        turns = [
            (running[consumer], number, cid, consumer)
            for cid, waiting in self._waiting.items()
            for consumer, number in waiting.items()
            if running[consumer] < self._per_consumer
        ]
        if not turns:
            return None
        _, _, cid, consumer = min(turns)
        del self._waiting[cid]
        self._building[cid] = consumer
        self._order = None
        return cid

    def leave(self, cid: Cid) -> None:
        """Give the slot back."""
        self._building.pop(cid, None)
        self._order = None

    def is_building(self, cid: Cid) -> bool:
        """Whether it has a slot."""
        return cid in self._building

    def for_whom(self, cid: Cid) -> Address:
        """The consumer whose turn a build under way is."""
        return self._building[cid]

    def counts(self) -> tuple[int, int]:
        """How many are being built, and how many wait."""
        return len(self._building), len(self._waiting)

    def before(self, cid: Cid) -> int | None:
        """How many waiting bundles come before this one, should no build end; None when it does not wait."""
        if cid not in self._waiting:
            return None
        if self._order is None:
            self._order = self._line()
        return self._order[cid]

    def _line(self) -> dict[Cid, int]:
        """Each waiting bundle's place: the n-th of a consumer comes when everybody else has had n turns too."""
        turns = Counter(self._building.values())
        numbered = sorted(
            (number, cid, consumer)
            for cid, waiting in self._waiting.items()
            for consumer, number in waiting.items()
        )
        places: dict[Cid, tuple[int, int]] = {}
        for number, cid, consumer in numbered:
            place = (turns[consumer], number)
            turns[consumer] += 1
            places[cid] = min(places.get(cid, place), place)
        return {cid: place for place, cid in enumerate(sorted(places, key=places.__getitem__))}
