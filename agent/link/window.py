"""Where each run's log lines are: stored by the scheduler, on their way to it, or still to be sent. Pure.

Of each run a few messages are on their way at a time, and more than one only when they are large: what is printed
meanwhile gathers. Lines count as delivered when the scheduler says that they are stored, never when they were sent;
where it has a gap, they are sent again from there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from chain.wire import Ack

ASK_SOON_S = 0.25  # when the scheduler has not seen the claim yet; twice as long each time
ASK_AGAIN_S = 2.0  # but at most so long
FOREIGN_AGAIN_S = 15.0  # when it was another's: a reorganisation may give it back
ANSWER_S = 30.0  # a message that is not answered for so long was lost
FLYING_MOST = 12


class Flying(NamedTuple):
    """A message on its way: its lines, when it was sent, and how many bytes they are."""

    first: int
    last: int
    at: float
    size: int


class Window:
    """The state of one connection's log lines, by "jobId/attempt".

    Args:
        cursors: the last line stored of each run, as the welcome told.
    """

    def __init__(self, cursors: Mapping[str, int]) -> None:
        self._stored = dict(cursors)
        self._flying: dict[str, deque[Flying]] = {}
        self._not_before: dict[str, float] = {}
        self._put_off: dict[str, int] = {}  # run -> how often, in a row
        self._foreign: set[str] = set()

    def stored(self, run: str) -> int:
        """The last line that the scheduler has for good; -1: none."""
        return self._stored.get(run, -1)

    def reached(self, run: str) -> int:
        """The last line that is stored or on its way; -1: none."""
        flying = self._flying.get(run)
        return flying[-1].last if flying else self.stored(run)

    def may_send(self, run: str, now: float) -> bool:
        """Whether the lines after `reached` may go out now."""
        few = len(self._flying.get(run, ())) < FLYING_MOST
        return few and self._not_before.get(run, 0.0) <= now

    def is_flying(self, run: str) -> bool:
        """Whether something of this run is on its way."""
        return run in self._flying

    def is_foreign(self, run: str) -> bool:
        """Whether the scheduler takes nothing of this run from us, by the chain as it knows it."""
        return run in self._foreign

    def flying_bytes(self) -> int:
        """Of all runs."""
        return sum(message.size for flying in self._flying.values() for message in flying)

    def sent(self, run: str, last: int, now: float, size: int = 0) -> None:
        """The lines up to this one are on their way."""
        flying = self._flying.setdefault(run, deque())
        first = (flying[-1].last if flying else self.stored(run)) + 1
        flying.append(Flying(first, last, now, size))

    def take(self, ack: Ack, now: float) -> None:
        """The scheduler has answered."""
        for run, seq in ack.cursors.items():
            self._stored[run] = seq
            self._not_before.pop(run, None)
            self._put_off.pop(run, None)
            self._foreign.discard(run)
            self._landed(run, seq)
        for run in ack.later:
            tries = self._put_off[run] = self._put_off.get(run, 0) + 1
            self._not_before[run] = now + min(ASK_AGAIN_S, ASK_SOON_S * 2 ** min(tries - 1, 8))
            self._foreign.discard(run)
        for run in ack.foreign:
            self._not_before[run] = now + FOREIGN_AGAIN_S
            self._foreign.add(run)
        for run in (*ack.later, *ack.foreign):
            self._flying.pop(run, None)

    def wake(self, job_id: str) -> None:
        """The chain has touched this job, by the scheduler: what was put off of it may go out now."""
        for run in [run for run in self._not_before if run.startswith(f"{job_id}/")]:
            del self._not_before[run]

    def _landed(self, run: str, seq: int) -> None:
        flying = self._flying.get(run)
        if flying is None:
            return
        while flying and flying[0].last <= seq:
            flying.popleft()
        if not flying or flying[0].first > seq + 1:  # what flies is not taken: it comes after a gap
            del self._flying[run]

    def lost(self, now: float) -> bool:
        """Whether an answer is so late that the connection cannot be sound."""
        return any(now - flying[0].at > ANSWER_S for flying in self._flying.values())

    def next_try(self, now: float) -> float:
        """When the next run may be tried again that was put off; infinity: none was."""
        later = (at for at in self._not_before.values() if at > now)
        return min(later, default=float("inf"))
