"""What this agent keeps on its IPFS node: results and usage ledgers, let go some time after their runs are over. Only
what stands in the note is its to unpin, and a node that does not answer is asked again.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable, Collection
from pathlib import Path

import structlog

from agent.runs.runs import Runs
from chain.clock import unix_ms
from chain.errors import DraasError
from chain.ipfs import unpin
from chain.job import Cid

log = structlog.get_logger()
PASS_S = 60.0
A_PASS = 100
_EVERY_MS = 60_000  # a later need is written down at most so often


class Pins:
    """The note, as a file that is replaced as a whole. Its verbs may block, and may be called from any thread.

    Args:
        path: of the file; one that cannot be read counts as empty, and its pins stay where they are.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._needed = _read(path)

    def begins(self, cid: Cid) -> None:
        """It is about to be pinned: noted first, so that no crash leaves a pin that nobody takes away."""
        with self._lock:
            self._needed[cid] = unix_ms()
            self._write()

    def used(self, cids: Collection[str]) -> None:
        """These are needed now."""
        with self._lock:
            now = unix_ms()
            late = [cid for cid, at in self._needed.items() if cid in cids and now - at > _EVERY_MS]
            self._needed |= dict.fromkeys(late, now)
            if late:
                self._write()

    def old(self, before_ms: int) -> list[Cid]:
        """What was last needed before then."""
        with self._lock:
            return sorted(cid for cid, at in self._needed.items() if at < before_ms)

    def gone(self, cid: Cid, before_ms: int) -> None:
        """It is not pinned any more; what was begun anew meanwhile stays noted."""
        with self._lock:
            if self._needed.get(cid, before_ms) < before_ms:
                del self._needed[cid]
                self._write()

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = self._path.with_suffix(".new")
        with new.open("w") as file:
            json.dump(self._needed, file)
            file.flush()
            os.fsync(file.fileno())
        new.rename(self._path)


def _read(path: Path) -> dict[Cid, int]:
    try:
        body = json.loads(path.read_text())
        return {Cid(str(name)): int(at) for name, at in body.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def needed_by(runs: Runs) -> set[str]:
    """What the runs that are looked after have put there."""
    found: set[str] = set()
    for run in runs.all():
        found |= {run.record.result_cid, run.container.meter.evidence}
    return found - {""}


class Unpinner:
    """Lets go of what no run has needed for some time.

    Args:
        api: of the node.
        needed: what runs need now.
        keep_s: seconds for which it stays after that.
    """

    def __init__(
        self, pins: Pins, api: str, needed: Callable[[], Collection[str]], keep_s: int
    ) -> None:
        self._pins = pins
        self._api = api
        self._needed = needed
        self._keep_s = keep_s

    async def work(self) -> None:
        """Look for ever."""
        while True:
            try:
                await self.look()
            except (DraasError, OSError) as error:
                log.warning("pins.postponed", error=str(error)[:300])
            await asyncio.sleep(PASS_S)

    async def look(self) -> None:
        """One pass.

        Raises:
            Unavailable: the node does not answer.
            OSError: the disk does not.
        """
        await asyncio.to_thread(self._pins.used, self._needed())
        before_ms = unix_ms() - self._keep_s * 1000
        for cid in self._pins.old(before_ms)[:A_PASS]:
            if cid in self._needed():
                continue
            await unpin(self._api, cid)
            await asyncio.to_thread(self._pins.gone, cid, before_ms)
            log.info("pins.let_go", cid=cid)
