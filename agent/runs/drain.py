"""Maintenance: an agent that is drained takes no new jobs; what it has runs on to its end.

It stays drained over restarts, for as long as there is a file in its home.
"""

from __future__ import annotations

from pathlib import Path

REFUSAL = "the agent takes no new jobs: it is being drained for maintenance"


class Drain:
    """Whether this agent is drained.

    Args:
        home: DRAAS_HOME; None to remember nothing.
    """

    def __init__(self, home: Path | None = None) -> None:
        self._path = home / "agent" / "draining" if home else None
        self.on = self._path is not None and self._path.exists()

    def set(self, on: bool) -> None:
        """Begin it, or end it. Safe to repeat."""
        if self._path is None:
            self.on = on
            return
        if on:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path.touch(mode=0o600)
        else:
            self._path.unlink(missing_ok=True)
        self.on = on
