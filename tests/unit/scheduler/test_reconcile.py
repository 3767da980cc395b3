"""What to do about a job follows from facts and definite answers, never from silence."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from chain.job import (
    ZERO_ADDRESS,
    Address,
    Cid,
    Digest,
    JobId,
    JobState,
    JobTerms,
    Parameters,
    Rates,
    Resources,
)
from scheduler.facts import JobFacts, RunFacts
from scheduler.place import Choice
from scheduler.reconcile import (
    UNSEEN,
    Assign,
    Build,
    Decline,
    Image,
    Lapse,
    Offered,
    Postponed,
    Refund,
    Refused,
    Reoffer,
    Rules,
    Seen,
    Wait,
    decide,
)

AGENT = Address("0x" + "a1" * 20)
ME = Address("0x" + "5c" * 20)
DIGEST = Digest("sha256:" + "11" * 32)
ESCROW = Parameters(
    window=20,
    lapse_after=60,
    settle_grace=15,
    bond_per_unit=1,
    dispute_bond=1,
    ruling_time=600,
    unbond_time=700,
    lapses_per_slash=3,
)
RULES = Rules(ESCROW, refund_after=10)
NOW = 1_000_000
FITS = Choice(agent=AGENT, cheapest=1, fitting=1, live=1, why_not={})
NOBODY = Choice(agent=None, cheapest=None, fitting=0, live=1, why_not={"short of CPU": 1})
TERMS = JobTerms(
    consumer=Address("0x" + "c0" * 20),
    scheduler=ME,
    watcher=Address("0x" + "00" * 20),
    salt="0x" + "00" * 32,
    resources=Resources(1000, 64),
    max_rates=Rates(1, 1, 1, 1),
    duration=600,
    claim_within=100,
    cid=Cid("bafy"),
)


def a_job(**changes: object) -> JobFacts:
    facts = JobFacts(
        job_id=JobId("0x" + "01" * 32),
        terms=TERMS,
        posted_at=NOW - 10,
        posted_block=1,
        posted_index=0,
        claim_by=NOW + 90,
        deposited=1000,
        deposit=1000,
        deadline=NOW + 90,
        duration=600,
    )
    return replace(facts, **changes)  # type: ignore[arg-type]


def a_running_job(reported_at: int = NOW - 5, **changes: object) -> JobFacts:
    run = RunFacts(1, AGENT, 1, DIGEST, started_at=NOW - 100, reported_at=reported_at)
    running = a_job(state=JobState.RUNNING, deadline=NOW + 500, runs=(run,))
    return replace(running, **changes)  # type: ignore[arg-type]


def an_offer(**changes: object) -> Offered:
    offer = Offered(AGENT, DIGEST, deadline=NOW + 50, sent_at=NOW - 1, answer="", live=True)
    return replace(offer, **changes)  # type: ignore[arg-type]


def seen(**changes: object) -> Seen:
    return replace(Seen(synced=True, image=Image(DIGEST), choice=FITS), **changes)  # type: ignore[arg-type]


def test_an_open_job_without_image_is_built() -> None:
    assert isinstance(decide(a_job(), seen(image=None), RULES, NOW), Build)


def test_a_built_job_goes_to_the_agent_that_fits() -> None:
    assert isinstance(decide(a_job(), seen(), RULES, NOW), Assign)


def test_a_job_that_fits_nobody_waits_and_says_why() -> None:
    step = decide(a_job(), seen(choice=NOBODY), RULES, NOW)
    assert isinstance(step, Wait)
    assert "short of CPU" in step.why


def test_an_offer_that_stands_is_waited_for_and_repeated() -> None:
    assert isinstance(decide(a_job(), seen(offer=an_offer()), RULES, NOW), Wait)
    silent = an_offer(sent_at=NOW - 6)
    assert isinstance(decide(a_job(), seen(offer=silent), RULES, NOW), Reoffer)


def test_an_offer_that_was_refused_or_ran_out_or_lost_its_agent_is_made_anew() -> None:
    for gone in (an_offer(answer="refused"), an_offer(deadline=NOW - 1), an_offer(live=False)):
        assert isinstance(decide(a_job(), seen(offer=gone), RULES, NOW), Assign)


def test_what_cannot_be_built_is_declined_with_the_reason() -> None:
    step = decide(a_job(), seen(image=Refused("no main.py")), RULES, NOW)
    assert step == Decline(a_job().job_id, "no main.py")


def test_a_bundle_that_nobody_gave_yet_is_tried_again_and_never_declined() -> None:
    later = Postponed(NOW + 5, "bundle not found")
    assert isinstance(decide(a_job(), seen(image=later), RULES, NOW), Wait)
    assert isinstance(decide(a_job(), seen(image=later), RULES, NOW + 6), Build)


def test_a_silent_run_lapses_only_when_the_contract_lets_it() -> None:
    assert isinstance(decide(a_running_job(NOW - 60), seen(), RULES, NOW), Wait)
    step = decide(a_running_job(NOW - 63), seen(), RULES, NOW)
    assert step == Lapse(a_job().job_id, 1, AGENT)


def test_an_unclaimed_job_is_refunded_some_time_after_its_deadline() -> None:
    over = a_job(deadline=NOW - 5)
    assert isinstance(decide(over, seen(), RULES, NOW), Wait)
    assert decide(over, seen(), RULES, NOW + 5) == Refund(over.job_id, ZERO_ADDRESS)


def test_a_cancelled_run_keeps_the_providers_grace() -> None:
    cancelled = a_running_job(state=JobState.ENDED, deadline=NOW)
    assert isinstance(decide(cancelled, seen(), RULES, NOW + 15), Wait)
    assert decide(cancelled, seen(), RULES, NOW + 16) == Refund(cancelled.job_id, AGENT)


def test_a_run_that_spent_all_and_was_never_completed_is_settled_all_the_same() -> None:
    """It holds its provider's bond until then."""
    run = replace(a_running_job().runs[0], earned=1000)
    spent = a_running_job(state=JobState.ENDED, deadline=NOW, runs=(run,))
    assert decide(spent, seen(), RULES, NOW + 16) == Refund(spent.job_id, AGENT)
    settled = replace(spent, deposit=0, settled=True, runs=(replace(run, settled=True),))
    assert isinstance(decide(settled, seen(), RULES, NOW + 16), Wait)


images = st.sampled_from([None, UNSEEN, Image(DIGEST), Postponed(NOW + 9, "silent")])
jobs = st.builds(
    lambda state, deadline, reported, spent: a_running_job(
        NOW - reported, state=state, deadline=NOW + deadline, deposit=0 if spent else 1000
    ),
    st.sampled_from(list(JobState)[1:]),
    st.integers(-200, 200),
    st.integers(0, 200),
    st.booleans(),
)
offers = st.sampled_from([None, an_offer(), an_offer(answer="accepted"), an_offer(live=False)])


@given(jobs, images, offers, st.sampled_from([UNSEEN, FITS, NOBODY]))
def test_nothing_happens_while_the_chain_is_not_read_to_its_head(
    job: JobFacts, image: object, offer: object, choice: object
) -> None:
    blind = seen(synced=False, image=image, offer=offer, choice=choice)
    assert isinstance(decide(job, blind, RULES, NOW), Wait)


@given(jobs, images, offers, st.sampled_from([UNSEEN, FITS, NOBODY]))
def test_silence_never_declines_and_only_the_contracts_deadlines_end(
    job: JobFacts, image: object, offer: object, choice: object
) -> None:
    step = decide(job, seen(image=image, offer=offer, choice=choice), RULES, NOW)
    assert not isinstance(step, Decline)
    if isinstance(step, Lapse):
        assert job.state_at(NOW, ESCROW) is JobState.RUNNING
        assert job.current is not None
        assert job.current.reported_at + ESCROW.lapse_after < NOW
    if isinstance(step, Refund):
        assert job.state_at(NOW, ESCROW) is JobState.ENDED
        assert job.deposit > 0 or not job.settled
    if isinstance(step, Build | Assign | Reoffer):
        assert job.state_at(NOW, ESCROW) is JobState.OPEN


@given(jobs, images, offers, st.sampled_from([UNSEEN, FITS, NOBODY]))
def test_waiting_always_ends(job: JobFacts, image: object, offer: object, choice: object) -> None:
    step = decide(job, seen(image=image, offer=offer, choice=choice), RULES, NOW)
    assert not isinstance(step, Wait) or step.until > NOW
