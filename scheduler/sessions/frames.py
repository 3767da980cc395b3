"""WebSocket frames that never reach the application cost time too: whoever floods with them is cut off.

Messages are slowed by not reading on (`scheduler.sessions.session.Budget`). Pings and pieces of a message are answered
and kept below the application, as fast as they come; so they are counted here.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

FRAMES_PER_S = 100
BYTES_AT_ONCE = 16 * 1024  # that are looked at before the count is


class CountingProtocol(WebSocketsSansIOProtocol):
    """Uvicorn's WebSocket, which ends a connection that sends too many frames of these kinds in a second."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._second = 0
        self._frames = 0

    def data_received(self, data: bytes) -> None:
        """Part by part, so that no more is done for a flood than until it is noticed."""
        for start in range(0, len(data), BYTES_AT_ONCE):
            if self.transport.is_closing():
                return
            super().data_received(data[start : start + BYTES_AT_ONCE])

    def handle_ping(self) -> None:
        """Answer it, if there were not too many."""
        if self._within():
            super().handle_ping()

    def handle_cont(self, event: Frame) -> None:
        """Keep it, if there were not too many."""
        if self._within():
            super().handle_cont(event)

    def handle_pong(self, event: Frame) -> None:
        """Take it, if there were not too many."""
        if self._within():
            super().handle_pong(event)

    def _within(self) -> bool:
        second = int(self.loop.time())
        if second != self._second:
            self._second, self._frames = second, 0
        self._frames += 1
        if self._frames > FRAMES_PER_S and not self.transport.is_closing():
            self.transport.abort()
        return self._frames <= FRAMES_PER_S
