"""Large files to and from an IPFS node, in pieces: none is ever whole in memory, nor twice on the disk.

Blocking: for a thread of its own.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

from chain.car import header, section
from chain.cid import CidBytes, cid_text
from chain.errors import Unavailable
from chain.folder import MIB
from chain.ipfs_node import open_client

BATCH_BYTES = 4 * MIB  # of blocks that go to the node at once
SILENT_S = 60.0  # for which the node may say nothing


class Upload:
    """Blocks on their way to a node, which pins them when it is told the root of all.

    Args:
        client: of `ipfshttpclient`.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._batch = bytearray()
        self._first: CidBytes | None = None
        self._thread = ThreadPoolExecutor(1, "upload")
        self._flying: Future[Any] | None = None

    def put(self, cid: CidBytes, block: bytes) -> None:
        """Add a block.

        Raises:
            Unavailable: the node does not answer, or refuses.
        """
        if self._first is None:
            self._first = cid
        self._batch += section(cid, block)
        if len(self._batch) >= BATCH_BYTES:
            self._fly(self._first)  # what it answers differs between versions of Kubo

    def flush(self) -> None:
        """Send what was gathered: the node writes what it is not asked to pin without waiting for its disk."""
        if self._first is not None:
            self._fly(self._first)

    def pin(self, root: CidBytes) -> None:
        """Send the rest, and have the DAG of `root` kept, which was put.

        Raises:
            Unavailable: part of it is not on the node.
        """
        self._land()
        self._fly(root, "true")
        answer = self._land()["Root"]
        if answer["Cid"]["/"] != cid_text(root) or answer.get("PinErrorMsg"):
            told = f"The store did not keep {cid_text(root)}: {str(answer)[:200]}."
            raise Unavailable(told, "Look at its log.")

    def close(self) -> None:
        """Wait for what is on its way."""
        self._thread.shutdown()

    def _fly(self, root: CidBytes, pin: str = "false") -> None:
        """Send what was gathered, while more is gathered."""
        self._land()
        car = io.BytesIO(header(root) + self._batch)
        self._batch = bytearray()
        self._first = None
        send = partial(self._client.dag.imprt, car, opts={"pin-roots": pin})
        self._flying = self._thread.submit(send)

    def _land(self) -> Any:
        """Wait for what is on its way; what the node said to it."""
        flying, self._flying = self._flying, None
        return None if flying is None else flying.result()


@contextmanager
def uploading(api: str) -> Iterator[Upload]:
    """Send blocks to a node.

    Raises:
        Unavailable: it does not answer, or refuses.
    """
    with open_client(api, SILENT_S) as client, closing(Upload(client)) as upload:
        yield upload


@contextmanager
def car_of(api: str, root: CidBytes, silent_s: float = SILENT_S) -> Iterator[Iterator[bytes]]:
    """The CAR of a DAG as a node sends it, unchecked.

    Args:
        silent_s: for which the node may say nothing, also before the first byte.

    Raises:
        Unavailable: it does not answer, or does not have it.
    """
    with (
        open_client(api, silent_s) as client,
        closing(client.dag.export(cid_text(root), stream=True)) as chunks,
    ):
        yield iter(chunks)
