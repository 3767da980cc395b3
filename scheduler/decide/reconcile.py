"""What to do about one job: a pure function of its facts, of what was seen, and of the chain's time.

A thing that was not seen is never taken for a thing that is not there: whatever ends or declines a job follows
from the chain's facts and from a definite answer alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal

from chain.job import ZERO_ADDRESS, Address, Cid, Digest, JobId, JobState, Parameters
from scheduler.decide.place import Choice
from scheduler.decide.words import clock_time
from scheduler.rows.facts import JobFacts

FAR = 365 * 86400  # seconds; events wake a job earlier
LAPSE_MARGIN = 2  # seconds that clocks may differ by
MAX_WHY = 500  # characters
LOOK = 5  # seconds after which a job that waits for something off-chain is looked at again


class Unseen(Enum):
    """Whoever should know did not answer."""

    UNSEEN = "unseen"


UNSEEN = Unseen.UNSEEN


@dataclass(frozen=True, slots=True)
class Image:
    """A bundle that was built."""

    digest: Digest


@dataclass(frozen=True, slots=True)
class Refused:
    """A definite answer: this bundle cannot be built, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Postponed:
    """The last try found nobody who answered; try again at `until`."""

    until: int
    why: str
    phase: Literal["fetching", "building"] = "fetching"


@dataclass(frozen=True, slots=True)
class InHand:
    """The image is being made, or waits for its turn; told as `why`."""

    why: str
    phase: Literal["fetching", "building"] = "building"


@dataclass(frozen=True, slots=True)
class Offered:
    """The assignment that is out for the current attempt."""

    provider: Address
    image: Digest
    deadline: int
    answer: Literal["", "accepted", "refused"]
    live: bool  # whether the agent is connected now
    why: str = ""  # why it was chosen


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Reports of a watched run that do not fit what was seen of it; disputable until `until` (chain time)."""

    attempt: int
    provider: Address
    why: str
    until: int


@dataclass(frozen=True, slots=True)
class Seen:
    """Observations of one moment.

    Args:
        synced: the indexer has reached the chain's head and the chain answers.
        image: None when nothing was built yet, and nobody is at it.
        offer: None when none is out.
        choice: where the job could go now; UNSEEN while agents may still be coming back after a start.
        silent_since: unix second at which the running job's agent was last heard; None while it is live, and when
            it never was heard here.
        suspicion: what is wrong with its reports, for a job whose watcher this scheduler is.
        watch_at: chain time at which to hold its reports against what was seen again; None when nobody has to.
        lacks: the secrets that its consumer has not given yet.
    """

    synced: bool = False
    image: Image | Refused | Postponed | InHand | Unseen | None = UNSEEN
    offer: Offered | None = None
    choice: Choice | Unseen = UNSEEN
    silent_since: int | None = None
    suspicion: Suspicion | None = None
    watch_at: int | None = None
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """The escrow's rules, and after how many seconds this scheduler sees to a refund that nobody asked for."""

    escrow: Parameters
    refund_after: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until` (chain time) unless an event wakes the job.

    Args:
        phase, why: what it waits for; without a phase the ones noted before stay.
        degraded: what is out of order meanwhile; empty when nothing is.
    """

    until: int
    why: str
    phase: str = ""
    degraded: str = ""


@dataclass(frozen=True, slots=True)
class Build:
    job_id: JobId
    cid: Cid


@dataclass(frozen=True, slots=True)
class Assign:
    job_id: JobId
    attempt: int
    image: Digest


@dataclass(frozen=True, slots=True)
class Decline:
    job_id: JobId
    reason: str


@dataclass(frozen=True, slots=True)
class Lapse:
    job_id: JobId
    attempt: int
    provider: Address


@dataclass(frozen=True, slots=True)
class Refund:
    job_id: JobId
    provider: Address  # of the last attempt; the zero address when nobody ran it


@dataclass(frozen=True, slots=True)
class Dispute:
    job_id: JobId
    attempt: int
    provider: Address
    why: str


Action = Build | Assign | Decline | Lapse | Refund | Dispute


def decide(job: JobFacts, seen: Seen, rules: Rules, now: int) -> Action | Wait:
    """The next act for a job that names this scheduler.

    Args:
        job: the chain's facts.
        seen: this moment's observations.
        rules: times.
        now: chain time in seconds.
    """
    if not seen.synced:
        why = "the chain does not answer, or is not read to its end yet"
        return Wait(now + 1, why, degraded=why)
    if job.alarm:
        return Wait(now + FAR, job.alarm)
    suspicion = seen.suspicion
    if suspicion is not None and now < suspicion.until:
        return Dispute(job.job_id, suspicion.attempt, suspicion.provider, suspicion.why)
    step = _next(job, seen, rules, now)
    if isinstance(step, Wait) and seen.watch_at is not None:
        return replace(step, until=min(step.until, seen.watch_at))
    return step


def _next(job: JobFacts, seen: Seen, rules: Rules, now: int) -> Action | Wait:
    match job.state_at(now, rules.escrow):
        case JobState.OPEN:
            return _open(job, seen, now)
        case JobState.RUNNING:
            return _running(job, seen, rules, now)
        case JobState.ENDED:
            return _ended(job, rules, now)
        case JobState.DISPUTED:
            return Wait(now + FAR, "disputed: waiting for the ruling")
        case _:
            return Wait(now + FAR, "")


def _open(job: JobFacts, seen: Seen, now: int) -> Action | Wait:
    """An open job never waits past its claim deadline: then it is over, and the deposit returns."""
    step = _towards_a_claim(job, seen, now)
    if isinstance(step, Wait):
        return replace(step, until=min(step.until, job.deadline + 1))
    return step


def _towards_a_claim(job: JobFacts, seen: Seen, now: int) -> Action | Wait:
    match seen.image:
        case None:
            return Build(job.job_id, job.terms.cid)
        case Refused(reason=reason):
            return Decline(job.job_id, reason)
        case Postponed(until=until, why=why, phase=phase) if now < until:
            return Wait(until, why, phase, degraded=why)
        case Postponed():
            return Build(job.job_id, job.terms.cid)
        case InHand(why=why, phase=phase):
            return Wait(now + LOOK, why, phase)
        case Image(digest=digest):
            return _offer(job, seen, digest, now)
        case _:
            why = "the builder does not answer"
            return Wait(now + LOOK, why, degraded=why)


def _offer(job: JobFacts, seen: Seen, digest: Digest, now: int) -> Action | Wait:
    offer = seen.offer
    if offer is not None and _stands(offer, digest, now):
        why = f"offered to {offer.provider}: waiting for its claim"
        if offer.why:
            why += f" ({offer.why})"
        return Wait(min(offer.deadline + 1, now + LOOK), why, "assigned")
    if seen.lacks:
        why = f"waiting for its consumer's secrets: {', '.join(seen.lacks)}"
        return Wait(now + LOOK, why[:MAX_WHY], "placing")
    if not isinstance(seen.choice, Choice):
        return Wait(now + 1, "waiting for agents to connect", "placing")
    if seen.choice.agent is None:
        return Wait(now + LOOK, seen.choice.why, "placing")
    return Assign(job.job_id, job.attempt, digest)


def _stands(offer: Offered, digest: Digest, now: int) -> bool:
    """Whether to go on waiting for this offer's agent."""
    return (
        offer.answer != "refused" and offer.live and offer.image == digest and now <= offer.deadline
    )


def _running(job: JobFacts, seen: Seen, rules: Rules, now: int) -> Action | Wait:
    run = job.current
    if run is None:
        return Wait(now + FAR, "running, but its claim was not seen")
    lapses_at = run.reported_at + rules.escrow.lapse_after + LAPSE_MARGIN + 1
    if now >= lapses_at:
        return Lapse(job.job_id, job.attempt, run.provider)
    return Wait(min(job.deadline, lapses_at), "", degraded=_silence(job, seen, lapses_at))


def _silence(job: JobFacts, seen: Seen, lapses_at: int) -> str:
    """What a silent agent means for its job; empty while it is heard."""
    if seen.silent_since is None:
        return ""
    told = f"its agent has been silent since {clock_time(seen.silent_since)}"
    if lapses_at >= job.deadline:
        return f"{told}; the job ends at {clock_time(job.deadline)}"
    return f"{told}; if it reports no more, the job lapses at {clock_time(lapses_at)} and goes to another"


def _ended(job: JobFacts, rules: Rules, now: int) -> Action | Wait:
    """An unsettled run is settled by the refund too, also when all was spent: it holds its provider's bond."""
    run = job.current
    settled = run is None or run.settled
    if settled and job.deposit == 0:
        return Wait(now + FAR, "")
    settles_at = job.deadline if settled else job.deadline + rules.escrow.settle_grace + 1
    due = max(settles_at, job.deadline + rules.refund_after)
    if now < due:
        return Wait(due, "the unspent deposit returns next")
    return Refund(job.job_id, run.provider if run is not None else ZERO_ADDRESS)
