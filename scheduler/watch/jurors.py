"""Who was drawn to judge a dispute, read from the court and kept for a while."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence

from chain.court import Court
from chain.job import Address

KEEP_S = 15.0  # a draw or an appeal is seen within so long
MAX_KEPT = 1000


class Jurors:
    """The panels of disputes."""

    def __init__(self, court: Court) -> None:
        self._court = court
        self._kept: OrderedDict[int, tuple[float, frozenset[Address]]] = OrderedDict()

    async def judges(self, address: Address, disputes: Sequence[int]) -> bool:
        """Whether this is a juror of one of these disputes, in any of their rounds.

        Raises:
            Unavailable: the node does not answer.
        """
        for dispute_id in disputes:
            if address in await self._drawn(dispute_id):
                return True
        return False

    async def _drawn(self, dispute_id: int) -> frozenset[Address]:
        now = time.monotonic()
        read_at, drawn = self._kept.get(dispute_id, (now - KEEP_S, frozenset[Address]()))
        if now - read_at < KEEP_S:
            return drawn
        rounds = (await self._court.dispute(dispute_id)).round
        seats = [
            seat
            for number in range(1, rounds + 1)
            for seat in await self._court.panel(dispute_id, number)
        ]
        drawn = frozenset(seat.juror for seat in seats)
        self._kept[dispute_id] = (now, drawn)
        self._kept.move_to_end(dispute_id)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return drawn
