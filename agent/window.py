"""Where each run's log lines are: stored by the scheduler, on their way to it, or still to be sent. Pure.

Of each run one message is on its way at a time. Lines count as delivered when the scheduler says that they are stored,
never when they were sent.
"""

from __future__ import annotations

from collections.abc import Mapping

from chain.wire import Ack

ASK_SOON_S = 0.25  # when the scheduler has not seen the claim yet; twice as long each time
ASK_AGAIN_S = 2.0  # but at most so long
FOREIGN_AGAIN_S = 15.0  # when it was another's: a reorganisation may give it back
ANSWER_S = 30.0  # a message that is not answered for so long was lost


class Window:
    """The state of one connection's log lines, by "jobId/attempt".

    Args:
        cursors: the last line stored of each run, as the welcome told.
    """

    def __init__(self, cursors: Mapping[str, int]) -> None:
        self._stored = dict(cursors)
        self._flying: dict[str, float] = {}  # run -> when its message was sent
        self._not_before: dict[str, float] = {}
        self._put_off: dict[str, int] = {}  # run -> how often, in a row
        self._foreign: set[str] = set()

    def stored(self, run: str) -> int:
        """The last line that the scheduler has for good; -1: none."""
        return self._stored.get(run, -1)

    def may_send(self, run: str, now: float) -> bool:
        """Whether the lines after `stored` may go out now."""
        return run not in self._flying and self._not_before.get(run, 0.0) <= now

    def is_foreign(self, run: str) -> bool:
        """Whether the scheduler takes nothing of this run from us, by the chain as it knows it."""
        return run in self._foreign

    def sent(self, run: str, now: float) -> None:
        """A message is on its way."""
        self._flying[run] = now

    def take(self, ack: Ack, now: float) -> None:
        """The scheduler has answered."""
        for run, seq in ack.cursors.items():
            self._stored[run] = seq
            self._not_before.pop(run, None)
            self._put_off.pop(run, None)
            self._foreign.discard(run)
        for run in ack.later:
            tries = self._put_off[run] = self._put_off.get(run, 0) + 1
            self._not_before[run] = now + min(ASK_AGAIN_S, ASK_SOON_S * 2 ** min(tries - 1, 8))
            self._foreign.discard(run)
        for run in ack.foreign:
            self._not_before[run] = now + FOREIGN_AGAIN_S
            self._foreign.add(run)
        for run in (*ack.cursors, *ack.later, *ack.foreign):
            self._flying.pop(run, None)

    def wake(self, job_id: str) -> None:
        """The chain has touched this job, by the scheduler: what was put off of it may go out now."""
        for run in [run for run in self._not_before if run.startswith(f"{job_id}/")]:
            del self._not_before[run]

    def lost(self, now: float) -> bool:
        """Whether an answer is so late that the connection cannot be sound."""
        return any(now - at > ANSWER_S for at in self._flying.values())

    def next_try(self, now: float) -> float:
        """When the next run may be tried again that was put off; infinity: none was."""
        later = (at for at in self._not_before.values() if at > now)
        return min(later, default=float("inf"))
