"""Which images this agent has pulled, and when each was last needed: only these are its to remove again. An image that
was there before, such as one that a scheduler on the same Docker Engine has built, is not noted.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from chain.clock import unix_ms
from chain.job import Digest

_EVERY_MS = 60_000  # a later use is written down at most so often


class Pulled:
    """The note, as a file that is replaced as a whole. Its verbs may block, and may be called from any thread.

    Args:
        path: of the file; one that cannot be read counts as empty, and its images stay where they are.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._used = _read(path)

    def all(self) -> dict[Digest, int]:
        """Each image, and the Unix milliseconds of its last use."""
        with self._lock:
            return dict(self._used)

    def begins(self, digest: Digest) -> None:
        """It is about to be pulled: noted first, so that no crash leaves an image that nobody removes."""
        with self._lock:
            self._used[digest] = unix_ms()
            self._write()

    def used(self, digest: Digest) -> None:
        """It is needed now."""
        with self._lock:
            now = unix_ms()
            if now - self._used.get(digest, now) > _EVERY_MS:
                self._used[digest] = now
                self._write()

    def gone(self, digest: Digest) -> None:
        """It is not on the machine any more."""
        with self._lock:
            if self._used.pop(digest, None) is not None:
                self._write()

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = self._path.with_suffix(".new")
        with new.open("w") as file:
            json.dump(self._used, file)
            file.flush()
            os.fsync(file.fileno())
        new.rename(self._path)


def _read(path: Path) -> dict[Digest, int]:
    try:
        body = json.loads(path.read_text())
        return {Digest(str(name)): int(at) for name, at in body.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
