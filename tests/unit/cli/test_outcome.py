from typing import Literal

import pytest

from chain.api import Deployment, Ending, RunBody, TransactionBody
from chain.wire import RatesBody, ResourcesBody, TermsBody, UsageBody
from cli.outcome import EXIT_CODES, outcome_of, standing_of

State = Literal["Open", "Running", "Ended", "Disputed", "Closed"]
ADDRESS = "0x" + "ab" * 20
HASH = "0x" + "cd" * 32
ENDINGS: tuple[Ending, ...] = ("JobCompleted", "JobCancelled", "JobDeclined")
RATES = RatesBody(cpu_ms="1", memory_mib_s="1", egress_kib="1", wall_s="1")


def a_run(exit_code: int | None = 0) -> RunBody:
    return RunBody(
        attempt=1,
        provider=ADDRESS,
        started_at=1,
        rates=RATES,
        usage=UsageBody(),
        metered=UsageBody(),
        earned="5",
        released="0",
        image="sha256:" + "0" * 64,
        exit_code=exit_code,
    )


def a_deployment(
    *events: str, state: State = "Closed", runs: tuple[RunBody, ...] = (), why: str = ""
) -> Deployment:
    terms = TermsBody(
        consumer=ADDRESS,
        scheduler=ADDRESS,
        watcher=ADDRESS,
        salt=HASH,
        resources=ResourcesBody(cpu_millis=1, memory_mib=1),
        max_rates=RATES,
        duration=1,
        claim_within=5,
        cid="b" + "a" * 30,
    )
    transactions = [
        TransactionBody(event=event, tx_hash=HASH, block=1, at=1, data={}) for event in events
    ]
    return Deployment(
        job_id=HASH,
        name="job",
        consumer=ADDRESS,
        cid="bafy",
        state=state,
        phase="closed",
        why=why,
        since=1,
        deposit="10",
        refunded="5",
        posted_at=1,
        claim_by=6,
        ends_by=None,
        earned="5",
        attempts=len(runs),
        provider=runs[-1].provider if runs else None,
        exit_code=runs[-1].exit_code if runs else None,
        endings=[event for event in ENDINGS if event in events],
        logs_public=False,
        degraded={},
        terms=terms,
        runs=list(runs),
        transactions=transactions,
    )


def test_a_program_that_ends_with_0_succeeded() -> None:
    seen = outcome_of(a_deployment("JobPosted", "JobClaimed", "JobCompleted", runs=(a_run(0),)))
    assert (seen.kind, seen.exit_code) == ("succeeded", 0)


def test_a_program_that_ends_otherwise_failed_and_the_reason_is_told() -> None:
    seen = outcome_of(
        a_deployment("JobCompleted", runs=(a_run(137),), why="killed: out of memory (limit 32 MiB)")
    )
    assert seen.kind == "failed"
    assert (
        seen.sentence
        == "The program ended with exit code 137: killed: out of memory (limit 32 MiB)."
    )


def test_a_declined_job_tells_the_schedulers_reason() -> None:
    seen = outcome_of(a_deployment("JobDeclined", why="RUN false ended with 1"))
    assert seen.kind == "declined"
    assert "RUN false ended with 1" in seen.sentence


def test_a_cancel_counts_even_when_the_provider_completed_afterwards() -> None:
    assert (
        outcome_of(a_deployment("JobCancelled", "JobCompleted", runs=(a_run(143),))).kind
        == "cancelled"
    )


def test_a_job_that_nobody_claimed_is_told_from_one_that_was_cut_short() -> None:
    assert outcome_of(a_deployment("JobPosted", state="Ended")).kind == "unclaimed"
    assert (
        outcome_of(a_deployment("JobClaimed", state="Ended", runs=(a_run(None),))).kind
        == "cut short"
    )


@pytest.mark.parametrize("state", ["Open", "Running"])
def test_a_job_under_way_is_no_failure(state: State) -> None:
    assert outcome_of(a_deployment("JobPosted", state=state)).exit_code == 0


def test_every_bad_end_has_an_exit_code_of_its_own() -> None:
    bad = [code for kind, code in EXIT_CODES.items() if kind not in ("succeeded", "going on")]
    assert 0 not in bad
    assert len(set(bad)) == len(bad)


def test_a_program_that_runs_is_shown_with_its_health_and_restarts_and_nothing_else_is() -> None:
    running = a_deployment(state="Running").model_copy(update={"phase": "running"})
    assert standing_of(running) == "running"
    assert standing_of(running.model_copy(update={"health": "healthy"})) == "running (healthy)"
    both = running.model_copy(update={"health": "unhealthy", "restarts": 2})
    assert standing_of(both) == "running (unhealthy, restarted 2x)"
    assert standing_of(both.model_copy(update={"phase": "ended"})) == "ended"
