"""What is known of a watched run, from what its agent says and shows while it lasts. Pure.

Times are Unix milliseconds of this machine unless said otherwise. A heartbeat may be old when it arrives; a probe is
answered after it was asked, so its answer needs no clock at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Literal

from chain.convert import usage_of
from chain.job import Address, JobId, Usage
from chain.ledger_check import Finding
from chain.wire import Heartbeat, ProbeAnswer, RunPhase, StatementBody

LATE_MS = (
    200_000  # the oldest that a heartbeat can be when it arrives: its session would have ended
)
NOT_YET: frozenset[RunPhase] = frozenset({"claiming", "pulling"})
OVER: frozenset[RunPhase] = frozenset({"completing", "finished"})


@dataclass(frozen=True, slots=True)
class Beat:
    """What one heartbeat says of one run.

    Args:
        agent: who says so.
        job_id: the job.
        attempt: its run.
        phase: where the run stands.
        usage: what the agent has metered.
        at_ms: by the agent's clock.
        ledger: head of its usage ledger.
        lines: of output, that it keeps.
    """

    agent: Address
    job_id: JobId
    attempt: int
    phase: RunPhase
    usage: Usage
    at_ms: int
    ledger: str = ""
    lines: int = 0


@dataclass(frozen=True, slots=True)
class Sighting:
    """All that was seen of one run; the columns of `sightings` that `see` keeps."""

    first_ms: int
    last_ms: int
    seen_ms: int = 0
    running_ms: int | None = None
    not_before_ms: int | None = None
    ended_ms: int | None = None
    metered: Usage = field(default_factory=Usage)
    ledger: str = ""
    lines: int = 0
    delivered: int = 0
    withheld_ms: int | None = None
    withheld_at: Usage | None = None
    published: Finding | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """A question, what was billed when it was asked, and what came back.

    `unanswered`: the session went on without an answer. `void`: the session ended, which proves nothing.
    """

    nonce: str
    sent_ms: int
    reported: Usage
    outcome: Literal["open", "answered", "unanswered", "void"] = "open"
    answered_ms: int | None = None
    answer: ProbeAnswer | None = None
    block_hash: str = ""  # of the block by which that was billed; the nonce follows from it

    @property
    def signed(self) -> StatementBody | None:
        """The agent's word for it, where it gave one; its signature was checked when it came."""
        return self.answer.statement if self.answer is not None else None

    @property
    def metered(self) -> Usage | None:
        """What the agent had metered by then; None when it gave no figure."""
        told = self.answer.usage if self.answer is not None else None
        return None if told is None else usage_of(told)


def beats_of(agent: Address, heartbeat: Heartbeat) -> list[Beat]:
    """What a heartbeat says, run by run."""
    return [
        Beat(
            agent=agent,
            job_id=JobId(run.job_id),
            attempt=run.attempt,
            phase=run.phase,
            usage=usage_of(run.usage),
            at_ms=heartbeat.at_ms,
            ledger=run.ledger,
            lines=run.lines,
        )
        for run in heartbeat.runs
    ]


def see(before: Sighting, beat: Beat, delivered: int, now_ms: int, gap_ms: int) -> Sighting:
    """What is known after one more heartbeat.

    Args:
        before: what was known.
        beat: what it says of this run.
        delivered: log lines of the run that are stored here.
        now_ms: when it arrived.
        gap_ms: the longest time between two heartbeats that counts as watched through.
    """
    gap = max(0, now_ms - before.last_ms)
    connected = gap <= gap_ms
    after = replace(
        before,
        last_ms=max(before.last_ms, now_ms),
        seen_ms=before.seen_ms + (gap if connected else 0),
        metered=each(max, before.metered, beat.usage),
        ledger=beat.ledger or before.ledger,
        lines=beat.lines,
        delivered=delivered,
    )
    return _withholding(_phased(after, beat, now_ms), before, beat.usage, now_ms, connected)


def _phased(at: Sighting, beat: Beat, now_ms: int) -> Sighting:
    if beat.phase in NOT_YET and at.running_ms is None:
        said_ms = min(now_ms, max(beat.at_ms, now_ms - LATE_MS))
        return replace(at, not_before_ms=max(at.not_before_ms or 0, said_ms))
    if beat.phase == "running":
        return replace(at, running_ms=at.running_ms or now_ms, ended_ms=None)
    if beat.phase in OVER:
        return replace(at, ended_ms=at.ended_ms or now_ms)
    return at


def _withholding(
    at: Sighting, before: Sighting, metered: Usage, now_ms: int, connected: bool
) -> Sighting:
    """Since when lines are told of that do not come."""
    waits = at.lines > at.delivered
    if waits and connected and before.withheld_ms is not None and at.delivered == before.delivered:
        return at
    since, usage = (now_ms, metered) if waits else (None, None)
    return replace(at, withheld_ms=since, withheld_at=usage)


def see_answer(before: Sighting, probe: Probe, now_ms: int) -> Sighting:
    """What is known after the answer to a probe."""
    answer = probe.answer
    if answer is None or answer.usage is None:
        return before
    after = replace(
        before,
        last_ms=max(before.last_ms, now_ms),
        metered=each(max, before.metered, usage_of(answer.usage)),
        ledger=answer.ledger or before.ledger,
    )
    if answer.running:
        return replace(after, running_ms=after.running_ms or now_ms, ended_ms=None)
    if answer.running is None:
        return after
    if answer.started_ms == 0 and after.running_ms is None:
        return replace(after, not_before_ms=max(after.not_before_ms or 0, probe.sent_ms))
    return replace(after, ended_ms=after.ended_ms or now_ms) if answer.started_ms else after


def each(choose: Callable[[int, int], int], a: Usage, b: Usage) -> Usage:
    """Two usages made one, metric by metric."""
    return Usage(*(choose(getattr(a, one.name), getattr(b, one.name)) for one in fields(Usage)))
