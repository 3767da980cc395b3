"""The bytes of a container's output, or of the Engine's events, as it sends them; another thread can cut them off.

The Engine sends each line in an HTTP chunk of its own. Read by the HTTP library that costs more than all the rest, so
the socket is read as it is, as much at a time as there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import requests
from docker.types import CancellableStream

from agent.engine.frames import Dechunker
from chain.errors import Unavailable

AT_ONCE = 256 * 1024


class LogStream:
    """One answer of the Engine."""

    def __init__(self, response: requests.Response) -> None:
        self._response = response
        raw: Any = response.raw
        self._file = raw._fp.fp  # as the SDK takes it
        self._chunked = response.headers.get("transfer-encoding", "").lower() == "chunked"

    def __iter__(self) -> Iterator[bytes]:
        """What came, in order, until the output has ended.

        Raises:
            Unavailable: it was cut off.
        """
        chunks = Dechunker()
        while data := self._file.read1(AT_ONCE):
            yield chunks.feed(data) if self._chunked else data
            if chunks.ended:
                return
        if self._chunked:
            raise Unavailable("The Docker Engine has cut the output off.")

    def close(self) -> None:
        """End the iteration, also from outside."""
        try:
            CancellableStream(iter(()), self._response).close()
        except OSError:
            return  # it has ended by itself
