"""Laws of the reconciler, held by every combination of what can be seen around the times that matter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chain.job import JobState
from scheduler.decide.place import Choice
from scheduler.decide.reconcile import (
    FAR,
    LAPSE_MARGIN,
    UNSEEN,
    Action,
    Assign,
    Build,
    Decline,
    Image,
    InHand,
    Lapse,
    Postponed,
    Refund,
    Refused,
    Seen,
    Unseen,
    Wait,
    decide,
)
from scheduler.rows.facts import JobFacts
from tests.unit.scheduler.builders import (
    DIGEST,
    ESCROW,
    FITS,
    NOBODY,
    NOW,
    RULES,
    a_running_job,
    an_offer,
)

IMAGES = (
    None,
    UNSEEN,
    Image(DIGEST),
    Postponed(NOW + 9, "silent"),
    Postponed(NOW - 9, "silent"),
    InHand("waiting"),
    Refused("no"),
)
OFFERS = (
    None,
    an_offer(),
    an_offer(answer="accepted"),
    an_offer(answer="refused"),
    an_offer(live=False),
    an_offer(deadline=NOW - 1),
)
CHOICES: tuple[Choice | Unseen, ...] = (UNSEEN, FITS, NOBODY)
GRACE, LAPSES = ESCROW.settle_grace, ESCROW.lapse_after + LAPSE_MARGIN
DEADLINES = (-200, -GRACE - 2, -GRACE - 1, -GRACE, -11, -10, -1, 0, 1, 5, 200)
REPORTED = (0, 1, LAPSES - 1, LAPSES, LAPSES + 1, 200)
STATES = tuple(JobState)[1:]
ENDINGS = (Decline, Lapse, Refund)


def a_moment(state: JobState, deadline: int, reported: int, spent: bool) -> JobFacts:
    deposit = 0 if spent else 1000
    return a_running_job(NOW - reported, state=state, deadline=NOW + deadline, deposit=deposit)


def everything() -> Iterator[tuple[JobFacts, Seen]]:
    """About 100,000 combinations."""
    sights = [
        Seen(synced=True, image=image, offer=offer, choice=choice, silent_since=since)
        for image, offer, choice, since in product(IMAGES, OFFERS, CHOICES, (None, NOW - 9))
    ]
    for state, deadline, reported, spent in product(STATES, DEADLINES, REPORTED, (False, True)):
        job = a_moment(state, deadline, reported, spent)
        for sight in sights:
            yield job, sight


def check(job: JobFacts, at: Seen, step: Action | Wait) -> None:
    state = job.state_at(NOW, ESCROW)
    match step:
        case Decline():
            assert isinstance(at.image, Refused)
            assert state is JobState.OPEN
        case Build() | Assign():
            assert state is JobState.OPEN
        case Lapse():
            assert state is JobState.RUNNING
            assert job.current is not None
            assert job.current.reported_at + ESCROW.lapse_after < NOW
        case Refund():
            assert state is JobState.ENDED
            assert job.deposit > 0 or not job.settled
        case Wait(until=until):
            assert NOW < until <= NOW + FAR
            if state in (JobState.OPEN, JobState.RUNNING):
                assert until <= job.deadline + 1
            if state is JobState.ENDED and job.deposit:
                assert until < NOW + FAR


def test_nothing_ends_but_by_the_contracts_deadlines_or_a_definite_no() -> None:
    met: Counter[str] = Counter()
    for job, at in everything():
        step = decide(job, at, RULES, NOW)
        check(job, at, step)
        met[type(step).__name__] += 1
    assert sum(met.values()) > 100_000
    assert set(met) == {"Build", "Assign", "Decline", "Lapse", "Refund", "Wait"}


def test_whatever_falls_silent_no_ending_appears_by_it() -> None:
    """With what is off-chain unseen, an ending is the one it was; with the chain unread, there is none."""
    blind: dict[str, Any] = {"image": UNSEEN, "offer": None, "choice": UNSEEN, "silent_since": None}
    for job, at in everything():
        unseen = decide(job, replace(at, **blind), RULES, NOW)
        if isinstance(unseen, ENDINGS):
            assert not isinstance(unseen, Decline)
            assert unseen == decide(job, at, RULES, NOW)
        assert isinstance(decide(job, replace(at, synced=False), RULES, NOW), Wait)


def test_with_everything_seen_an_open_job_moves_on_or_says_what_it_waits_for() -> None:
    for job, at in everything():
        if job.state_at(NOW, ESCROW) is not JobState.OPEN:
            continue
        step = decide(job, at, RULES, NOW)
        assert not isinstance(step, Wait) or step.why


moments = st.builds(
    a_moment,
    st.sampled_from(STATES),
    st.integers(-10_000, 10_000),
    st.integers(0, 10_000),
    st.booleans(),
)
sights = st.builds(
    Seen,
    synced=st.booleans(),
    image=st.sampled_from(IMAGES),
    offer=st.sampled_from(OFFERS),
    choice=st.sampled_from(CHOICES),
    silent_since=st.none() | st.integers(0, NOW),
)


@given(moments, sights)
def test_the_same_laws_hold_at_any_other_time(job: JobFacts, at: Seen) -> None:
    check(job, at, decide(job, at, RULES, NOW))
