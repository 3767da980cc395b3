"""What one run's program prints, over all its starts: read on, stored, and told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from agent.engine.engine import Engine
from agent.engine.isolation import RunKey
from agent.output.hidden import forms_of
from agent.output.logs import Follower
from agent.output.spool import Spool
from chain.trace import mark

LAST_LINES_SECONDS = 10


class Output:
    """The output of one run.

    Args:
        notify: called in the event loop when there are new lines.
        hidden: what must not be seen in it, by the moment at which reading begins.
    """

    def __init__(
        self,
        key: RunKey,
        spool: Spool,
        notify: Callable[[], None],
        hidden: Callable[[], Iterable[bytes]] = tuple,
    ) -> None:
        self._hidden = hidden
        self._key = key
        self._notify = notify
        self._follower: Follower | None = None
        self.spool = spool
        self._has_printed = spool.length > 0

    def follow(
        self, engine: Engine, container_id: str, *, again: bool = False, past: str = ""
    ) -> None:
        """Read it on, unless that is done or under way; tried again when it failed.

        Args:
            again: a stream that broke looks like one that ended there, so it is read again from its last line, until
                the container has ended and nothing is new.
            past: as for `Follower`.
        """
        self.spool.ended = False
        if self.spool.full:
            return
        last = self._follower
        if last is None or (last.done.is_set() and (last.failed or again)):
            self.spool.reads += 1
            forms = forms_of(self._hidden())
            self._follower = Follower(engine, container_id, self.spool, self._printed, past, forms)

    def _printed(self) -> None:
        lines = [] if self._has_printed else self.spool.read(-1, 1)
        if lines:
            self._has_printed = True
            mark("first_log_line", self._key.job_id, self._key.attempt, lines[0].at_ms)
        self._tell()

    def _tell(self) -> None:
        self.spool.wake()
        self._notify()

    def say(self, at_ms: int, text: str) -> None:
        """Put a notice of the agent's own into it."""
        self.spool.note(at_ms, text)
        self._tell()

    async def last_lines(self) -> None:
        """The program has ended: read what it printed to the end."""
        if self._follower is not None:
            try:
                await asyncio.wait_for(self._follower.done.wait(), LAST_LINES_SECONDS)
            except TimeoutError:
                await self._follower.close()

    def forget_start(self) -> None:
        """The program is started again: its output is asked for anew."""
        self._follower = None

    async def let_go(self) -> None:
        """Stop reading; the container is left as it is."""
        if self._follower is not None:
            await self._follower.close()
