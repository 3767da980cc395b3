"""Whether a program that has ended is started again, and when. Pure.

The pause doubles from one second to a minute, and begins anew after the program has run well for a minute. A start is
counted when its end is written down, so that an agent that dies in between counts it once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from chain.manifest import Manifest

FIRST_S, MOST_S = 1, 60
WELL_MS = 60_000


@dataclass(frozen=True, slots=True)
class Exit:
    """How a container ended; times are Unix milliseconds, by the Engine."""

    code: int
    started_ms: int
    finished_ms: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Starts:
    """A run's starts so far: as much as the next one needs to know, however many there were.

    Args:
        count: how often the program was to be started again.
        quick: endings in a row without a minute of running well before.
        first_ms: Unix milliseconds of the very first start; 0 while it is the only one.
        last: how it ended before the coming, or the running, start.
        at_ms: Unix milliseconds from which on it is to be started again.
        oom_kills: processes killed for memory up to then, as the control group counts them.
        ill: why the running start is to be stopped, and followed by another; "" while it is well.
    """

    count: int = 0
    quick: int = 0
    first_ms: int = 0
    last: Exit | None = None
    at_ms: int = 0
    oom_kills: int = 0
    ill: str = ""

    def is_noted(self, started_ms: int) -> bool:
        """Whether the end of the start of that moment is written down already."""
        return self.last is not None and self.last.started_ms == started_ms

    def pause_left_s(self, now_ms: int) -> float:
        """Seconds until the next start; 0 when it is due, also after the clock was set back by more than a pause."""
        left_ms = self.at_ms - now_ms
        return left_ms / 1000 if 0 < left_ms <= MOST_S * 1000 else 0.0


def may_restart(manifest: Manifest, starts: Starts, code: int) -> bool:
    """Whether the manifest wants the program started again.

    Args:
        code: what it ended with.
    """
    most = manifest.restarts
    if most == 0 or 0 < most <= starts.count:
        return False
    return manifest.restarts_always or code != 0 or bool(starts.ill)


def pause_s(quick: int) -> int:
    """Seconds before the next start, after so many quick endings in a row."""
    return min(MOST_S, FIRST_S << min(quick - 1, 10))


def after(starts: Starts, ended: Exit, oom_kills: int) -> Starts:
    """The starts once an end is written down that is followed by another start."""
    ran_well = ended.finished_ms - ended.started_ms >= WELL_MS and not starts.ill
    quick = 1 if ran_well else starts.quick + 1
    return replace(
        starts,
        count=starts.count + 1,
        quick=quick,
        first_ms=starts.first_ms or ended.started_ms,
        last=ended,
        at_ms=ended.finished_ms + pause_s(quick) * 1000,
        oom_kills=oom_kills,
        ill="",
    )


def told(starts: Starts) -> str:
    """What the consumer reads between two starts."""
    if starts.last is None:
        return ""
    why = f" ({starts.last.why})" if starts.last.why else ""
    pause = (starts.at_ms - starts.last.finished_ms) // 1000
    return f"the program ended with {starts.last.code}{why}; started again in {pause} s (restart {starts.count})"
