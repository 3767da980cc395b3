"""Where results go: the IPFS node of the settings, else an embedded store in the agent's own home."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from chain.folder import RESULT_LIMITS
from chain.ipfs import add_folder
from chain.job import Cid
from chain.store_process import ipfs_api

DEADLINE_S = 60.0


@asynccontextmanager
async def open_store(
    environ: Mapping[str, str], home: Path
) -> AsyncIterator[Callable[[Path], Awaitable[Cid]]]:
    """A function that stores a folder and gives its CID.

    Raises:
        Unavailable: the embedded store did not start.
    """
    api, process = await ipfs_api(environ, home / "agent" / "store")

    async def store(folder: Path) -> Cid:
        return await add_folder(api, folder, limits=RESULT_LIMITS, deadline_s=DEADLINE_S)

    try:
        yield store
    finally:
        if process is not None:
            await process.stop()
