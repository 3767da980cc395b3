"""The members of a group as a consumer sees them: the scheduler tells, and what money hangs on is held against the
chain and the providers' signatures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chain.api import Deployment
from chain.errors import NotAllowed, NotFound, Unavailable
from chain.events import Event, JobClaimed, JobCompleted
from chain.follow import events_of_job
from chain.group import GroupId, member_of, salt_of
from chain.group_evidence import Seat
from chain.job import JobId, JobState, JobTerms
from chain.messages import Domain
from chain.result import is_outcome_of
from chain.verdict import CUT_SHORT, Answer, Voice
from chain.wire import OutcomeBody
from cli.follow import look, own_terms
from cli.session import Session

MAX_CID = 130  # characters of what a provider wrote on the chain that are looked at
OVER = ("Ended", "Disputed", "Closed")


@dataclass(frozen=True, slots=True)
class Watched:
    """One member.

    Args:
        shown: None while the scheduler has not seen its job, or is silent.
        outcome: what its provider vouches for, signatures checked.
        absent: its job is not on the chain.
    """

    index: int
    job_id: JobId
    seat: Seat
    shown: Deployment | None = None
    outcome: OutcomeBody | None = None
    absent: bool = False

    @property
    def over(self) -> bool:
        """Whether its run has ended on the chain, or there is none to come."""
        return self.absent or (self.shown is not None and self.shown.state in OVER)

    @property
    def voice(self) -> Voice:
        """For the verdict."""
        return self.seat.voice(self.index)


class Members:
    """The jobs of one group.

    Args:
        terms: of all of them, in the order of their indices.
    """

    def __init__(self, session: Session, terms: Sequence[JobTerms]) -> None:
        self._session = session
        self._domain = Domain(session.market.chain_id, session.escrow.address)
        self._known = [
            Watched(index, session.escrow.job_id(one), Seat(one)) for index, one in enumerate(terms)
        ]
        member = member_of(terms[0].salt)
        self.is_verified = member is not None and member.kind == "verify"

    async def look(self) -> list[Watched]:
        """How they are now. What was proven stays: a scheduler that is silent takes nothing back."""
        for index, known in enumerate(self._known):
            self._known[index] = await self._one(known)
        return list(self._known)

    async def _one(self, known: Watched) -> Watched:
        shown = await look(self._session.api, known.job_id)
        if shown is None:
            state = await self._session.escrow.state(known.job_id)
            absent = known.shown is None and state is JobState.ABSENT
            return replace(known, absent=absent, seat=replace(known.seat, over=absent))
        now = replace(
            known, absent=False, shown=shown, seat=replace(known.seat, over=shown.state in OVER)
        )
        if not self.is_verified or not shown.runs:
            return now
        if now.seat.attempt not in (0, shown.runs[-1].attempt):  # another provider's turn
            now = replace(now, outcome=None, seat=Seat(now.seat.terms, over=now.seat.over))
        if now.outcome is None:
            now = await self._with_outcome(now)
        done = now.seat.answer is not None and (now.seat.completed_tx or not now.over)
        return now if done else await self._with_completion(now)

    async def _with_outcome(self, now: Watched) -> Watched:
        """With what its provider vouches for, where the chain knows this provider's claim."""
        try:
            told = await self._session.api.outcome(now.job_id)
        except (NotFound, NotAllowed, Unavailable):
            return now
        if told.outcome is None:
            return now
        claim = _claim(await self._events(now), told.attempt)
        if claim is None:
            return now
        run = (now.job_id, claim.attempt)
        if not is_outcome_of(claim.provider, self._domain, run, told.outcome):
            return now
        seat = replace(
            now.seat,
            attempt=claim.attempt,
            provider=claim.provider,
            answer=Answer(told.outcome.exit_code, told.outcome.result_cid),
            signature=told.outcome.signature,
            claim_tx=claim.at.tx_hash,
        )
        return replace(now, seat=seat, outcome=told.outcome)

    async def _with_completion(self, now: Watched) -> Watched:
        """With what the chain says of its end. A run that was cut short has no answer, whatever it left behind."""
        shown = now.shown
        if shown is None or "JobCompleted" not in shown.endings:
            return now
        events, job = await self._events(now), await self._session.escrow.job(now.job_id)
        ends = [one for one in events if isinstance(one, JobCompleted)]
        claim = _claim(events, ends[-1].attempt) if ends else None
        if claim is None:
            return now
        end, seat = ends[-1], now.seat
        seat = replace(seat, completed_tx=end.at.tx_hash, ledger_cid=shown.runs[-1].evidence)
        cut = "JobCancelled" in shown.endings or end.exit_code == CUT_SHORT
        in_time = end.at.timestamp <= job.deadline and end.at.timestamp < claim.deadline
        if seat.answer is None and in_time and not cut:
            seat = replace(
                seat,
                attempt=end.attempt,
                provider=end.provider,
                answer=Answer(end.exit_code, end.result_cid[:MAX_CID]),
                claim_tx=claim.at.tx_hash,
            )
        return replace(now, seat=seat)

    async def _events(self, now: Watched) -> Sequence[Event]:
        session = self._session
        return await events_of_job(session.w3, session.escrow, now.job_id, session.since)


def _claim(events: Sequence[Event], attempt: int) -> JobClaimed | None:
    claims = (one for one in events if isinstance(one, JobClaimed) and one.attempt == attempt)
    return next(claims, None)


def terms_of_group(first: JobTerms) -> list[JobTerms]:
    """The terms of all members, made from those of one: they differ in their salts alone."""
    member = member_of(first.salt)
    if member is None:
        return [first]
    salts = (salt_of(replace(member, index=index)) for index in range(member.size))
    return [replace(first, salt=salt) for salt in salts]


async def find_group(session: Session, group: GroupId) -> list[JobTerms]:
    """The terms of one's own group.

    Raises:
        NotFound: the scheduler knows none of its jobs.
        Conflict: it tells other terms than they have.
    """
    for found in await session.api.deployments(session.address, group):
        shown = await session.api.deployment(JobId(found.job_id))
        return terms_of_group(own_terms(session, shown))
    raise NotFound(f"None of your jobs is in group {group[:12]}.", "`draas ps` lists them.")
