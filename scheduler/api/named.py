"""Which content may be asked for here: what the chain and the rows name."""

from __future__ import annotations

from chain.escrow import Escrow
from chain.job import Cid
from scheduler.rows.content import is_named
from scheduler.rows.database import Store


class Named:
    """Which content may be asked for: what the rows name, and what the escrow says that disputes are about.

    Args:
        block: in which the escrow was made.
    """

    def __init__(self, store: Store, escrow: Escrow, block: int) -> None:
        self._store = store
        self._escrow = escrow
        self._block = block
        self._meta = ""  # once it is known it never changes

    async def has(self, cid: Cid) -> bool:
        """Whether this is named.

        Raises:
            Unavailable: the database or the chain does not answer.
        """
        async with self._store.read() as tx:
            if await is_named(tx, cid):
                return True
        if not self._meta:
            self._meta = await self._escrow.meta_evidence(self._block)
        return cid in self._meta.split("/")
