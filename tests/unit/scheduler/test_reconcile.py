"""What to do about a job follows from facts and definite answers, never from silence."""

from __future__ import annotations

from dataclasses import replace

from chain.job import ZERO_ADDRESS, JobState
from scheduler.decide.reconcile import (
    Assign,
    Build,
    Decline,
    InHand,
    Lapse,
    Postponed,
    Refund,
    Refused,
    Seen,
    Wait,
    decide,
)
from tests.unit.scheduler.builders import (
    AGENT,
    NOBODY,
    NOW,
    RULES,
    a_job,
    a_running_job,
    an_offer,
    seen,
)


def test_an_open_job_without_image_is_built() -> None:
    assert isinstance(decide(a_job(), seen(image=None), RULES, NOW), Build)


def test_a_built_job_goes_to_the_agent_that_fits() -> None:
    assert isinstance(decide(a_job(), seen(), RULES, NOW), Assign)


def test_a_job_that_fits_nobody_waits_and_says_why() -> None:
    step = decide(a_job(), seen(choice=NOBODY), RULES, NOW)
    assert isinstance(step, Wait)
    assert "short of CPU" in step.why


def test_a_job_whose_secrets_have_not_come_is_offered_to_nobody_and_says_which() -> None:
    step = decide(a_job(), seen(lacks=("API_TOKEN",)), RULES, NOW)
    assert isinstance(step, Wait)
    assert step.phase == "placing"
    assert "API_TOKEN" in step.why
    assert step.until <= a_job().deadline + 1


def test_an_offer_that_stands_is_waited_for_and_says_why_it_was_made() -> None:
    step = decide(a_job(), seen(offer=an_offer(why="cheapest of 3 that fit")), RULES, NOW)
    assert isinstance(step, Wait)
    assert step.phase == "assigned"
    assert "cheapest of 3 that fit" in step.why


def test_an_offer_that_was_refused_or_ran_out_or_lost_its_agent_is_made_anew() -> None:
    for gone in (an_offer(answer="refused"), an_offer(deadline=NOW - 1), an_offer(live=False)):
        assert isinstance(decide(a_job(), seen(offer=gone), RULES, NOW), Assign)


def test_what_cannot_be_built_is_declined_with_the_reason() -> None:
    step = decide(a_job(), seen(image=Refused("no main.py")), RULES, NOW)
    assert step == Decline(a_job().job_id, "no main.py")


def test_a_bundle_that_nobody_gave_yet_is_tried_again_and_never_declined() -> None:
    later = Postponed(NOW + 5, "bundle not found")
    step = decide(a_job(), seen(image=later), RULES, NOW)
    assert isinstance(step, Wait)
    assert (step.phase, step.degraded) == ("fetching", "bundle not found")
    assert isinstance(decide(a_job(), seen(image=later), RULES, NOW + 6), Build)


def test_a_bundle_that_waits_for_its_turn_says_how_many_come_before() -> None:
    step = decide(a_job(), seen(image=InHand("waiting to build: 3 before it")), RULES, NOW)
    assert isinstance(step, Wait)
    assert (step.phase, step.why, step.degraded) == (
        "building",
        "waiting to build: 3 before it",
        "",
    )


def test_an_unread_chain_is_told_beside_what_was_noted_and_erases_nothing() -> None:
    step = decide(a_job(), Seen(), RULES, NOW)
    assert isinstance(step, Wait)
    assert step.phase == ""
    assert step.degraded.startswith("the chain does not answer")


def test_a_silent_agent_is_told_with_the_time_at_which_the_job_goes_elsewhere() -> None:
    silent = seen(silent_since=NOW - 12)
    step = decide(a_running_job(), silent, RULES, NOW)
    assert isinstance(step, Wait)
    assert step.degraded == (
        "its agent has been silent since 13:46:28 UTC; "
        "if it reports no more, the job lapses at 13:47:38 UTC and goes to another"
    )
    assert step.until == NOW + 58
    short = decide(a_running_job(deadline=NOW + 30), silent, RULES, NOW)
    assert isinstance(short, Wait)
    assert short.degraded.endswith("; the job ends at 13:47:10 UTC")
    assert not decide(a_running_job(), seen(), RULES, NOW).degraded  # type: ignore[union-attr]


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
