"""Hints that something changed. A hint may be lost or doubled: the rows are the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from chain.job import JobId

ANY = "*"
EVERYTHING = "everything"  # wakes every listener
CLAIMS = "claims"  # an agent has claimed a job, it says: the chain may be read on
_TOUCHED = "touched/"


class Signals:
    """Named wake-ups, without spaces. A listener of `ANY` hears all of them."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[asyncio.Event]] = {}
        self._touched: set[JobId] = set()
        self.carry: Callable[[Iterable[str]], None] | None = None  # to other processes

    def notify(self, *names: str) -> None:
        """Wake whoever listens to one of these names, here and in the other schedulers of the same database."""
        self.hear(names)
        if self.carry is not None:
            self.carry(names)

    def hear(self, names: Iterable[str]) -> None:
        """Wake whoever listens here."""
        for name in (*names, ANY):
            if name.startswith(_TOUCHED):
                self._touched.add(JobId(name.removeprefix(_TOUCHED)))
            found = (
                self._listeners.values() if name == EVERYTHING else [self._listeners.get(name, ())]
            )
            for listener in (one for listeners in found for one in listeners):
                listener.set()

    def touched(self, jobs: Iterable[JobId]) -> None:
        """Note jobs that the chain has changed, and wake whoever cares for them."""
        jobs = list(jobs)
        names = [f"{_TOUCHED}{job_id}" for job_id in jobs] + [f"jobs/{job_id}" for job_id in jobs]
        self.notify(*names, "work", "chain")

    def take_touched(self) -> set[JobId]:
        """The jobs noted since the last call."""
        touched, self._touched = self._touched, set()
        return touched

    @contextmanager
    def listen(self, name: str) -> Iterator[asyncio.Event]:
        """An event that is set at every notice of that name; the listener clears it before it looks."""
        listener = asyncio.Event()
        self._listeners.setdefault(name, set()).add(listener)
        try:
            yield listener
        finally:
            self._listeners[name].discard(listener)
            if not self._listeners[name]:
                del self._listeners[name]


async def wait_for(event: asyncio.Event, seconds: float) -> bool:
    """Wait until the event is set, at most so long; says whether it was."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
