"""What was seen of a run: on the chain, at the Docker Engine, and on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chain.job import JobState, RunState
from chain.wire import Health


@dataclass(frozen=True, slots=True)
class OnChain:
    """What the chain says of a run at one block.

    Args:
        state: of the job, with what time brought.
        attempt: the job's current one.
        deadline: last second to claim, or the second at which the job's run ends or ended.
        run: of our attempt, as ours; ABSENT when we have not claimed it.
        taken: another provider has claimed our attempt.
        started_at: second of our claim; of the last report, once the attempt is over.
        earned, final, released: of our attempt, in base units.
        all_final: nothing more becomes final by time.
        now: chain time in seconds.
        head_time: second of the head that this was read at; a node that is behind has an old one.
        deep_run, deep_released: as `run` and `released` so many blocks deeper that no reorganisation is expected
            to undo it.
    """

    state: JobState
    attempt: int
    deadline: int
    run: RunState
    taken: bool
    started_at: int
    earned: int
    final: int
    released: int
    all_final: bool
    now: int
    head_time: int
    deep_run: RunState
    deep_released: int


@dataclass(frozen=True, slots=True)
class Container:
    """What the Engine says of a container; times are Unix milliseconds, 0 for not yet."""

    status: Literal["created", "running", "exited"]
    exit_code: int = 0
    oom_killed: bool = False
    started_ms: int = 0
    finished_ms: int = 0
    pid: int = 0
    error: str = ""
    health: Health = ""  # "" where nothing is checked
    ill_why: str = ""  # what the last check said
    address: str = ""  # in its own network


@dataclass(frozen=True, slots=True)
class Absent:
    """The Engine answered, and has no such container."""


@dataclass(frozen=True, slots=True)
class Here:
    """This moment on this machine.

    Args:
        now_ms: Unix milliseconds.
        lease_s: seconds for which a container may run without news of the chain, as last seen of that.
    """

    now_ms: int
    lease_s: float
