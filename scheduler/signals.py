"""Hints that something changed. A hint may be lost or doubled: the rows are the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from chain.job import JobId

ANY = "*"
EVERYTHING = "everything"  # wakes every listener
CLAIMS = "claims"  # an agent has claimed a job, it says: the chain may be read on
AGENTS = "agents"  # some have come, gone or fallen silent
HEAD = "head"  # the chain has another block, or was read on
JOBS = "jobs/"  # and its id: something about it may have changed
TOUCHED = "touched/"  # and its id: the chain has changed it


class Gathered:
    """The names that were heard and not taken yet, of some kinds only."""

    def __init__(self, starts: tuple[str, ...]) -> None:
        self._starts = starts
        self._names: set[str] = set()
        self._heard = asyncio.Event()

    def hear(self, name: str) -> None:
        """Keep it when it is of these kinds."""
        if name.startswith(self._starts) or name == EVERYTHING:
            self._names.add(name)
            self._heard.set()

    async def take(self) -> set[str]:
        """All names, once there is one."""
        await self._heard.wait()
        self._heard.clear()
        names, self._names = self._names, set()
        return names


class Signals:
    """Named wake-ups, without spaces. A listener of `ANY` hears all of them."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[asyncio.Event]] = {}
        self._gatherers: set[Gathered] = set()
        self.carry: Callable[[Iterable[str]], None] | None = None  # to other processes

    def notify(self, *names: str) -> None:
        """Wake whoever listens to one of these names, here and in the other schedulers of the same database."""
        self.hear(names)
        if self.carry is not None:
            self.carry(names)

    def hear(self, names: Iterable[str]) -> None:
        """Wake whoever listens here."""
        for name in (*names, ANY):
            for gatherer in self._gatherers:
                gatherer.hear(name)
            found = (
                self._listeners.values() if name == EVERYTHING else [self._listeners.get(name, ())]
            )
            for listener in (one for listeners in found for one in listeners):
                listener.set()

    def touched(self, jobs: Iterable[JobId]) -> None:
        """Note jobs that the chain has changed, and wake whoever cares for them."""
        jobs = list(jobs)
        names = [f"{start}{job_id}" for start in (TOUCHED, JOBS) for job_id in jobs]
        self.notify(*names, "work")

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

    @contextmanager
    def gather(self, *starts: str) -> Iterator[Gathered]:
        """What is heard from now on of names that begin so, and `EVERYTHING`; whoever gathers also takes."""
        gathered = Gathered(starts)
        self._gatherers.add(gathered)
        try:
            yield gathered
        finally:
            self._gatherers.discard(gathered)


async def wait_for(event: asyncio.Event, seconds: float) -> bool:
    """Wait until the event is set, at most so long; says whether it was."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
