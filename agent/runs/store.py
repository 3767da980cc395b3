"""Where results go: the IPFS node of the settings, else an embedded store in the agent's own home."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from chain.folder import RESULT_LIMITS
from chain.ipfs import Noted, add_bytes, add_folder
from chain.job import Cid
from chain.store_process import ipfs_api

DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True)
class Store:
    """An IPFS node that keeps what runs leave behind; `noted` is told of each CID before it is pinned."""

    api: str
    noted: Noted = lambda cid: None

    async def add(self, folder: Path) -> Cid:
        """Store a folder; its CID.

        Raises:
            Unavailable: the node does not answer.
        """
        return await add_folder(
            self.api, folder, limits=RESULT_LIMITS, deadline_s=DEADLINE_S, noted=self.noted
        )

    async def keep(self, data: bytes) -> Cid:
        """Store one file; its CID.

        Raises:
            Unavailable: the node does not answer.
        """
        return await add_bytes(self.api, data, deadline_s=DEADLINE_S, noted=self.noted)


@asynccontextmanager
async def open_store(environ: Mapping[str, str], home: Path, noted: Noted) -> AsyncIterator[Store]:
    """The node of the settings, or one that is started.

    Raises:
        Unavailable: the embedded store did not start.
    """
    api, process = await ipfs_api(environ, home / "agent" / "store")
    try:
        yield Store(api, noted)
    finally:
        if process is not None:
            await process.stop()
