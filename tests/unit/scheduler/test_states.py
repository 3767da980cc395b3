"""What the conditions over rows say of many jobs is what `chain.job.state_of` says of each."""

from __future__ import annotations

from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, delete, insert, select

from chain.api import State
from chain.job import Job, JobState, Resources, closes_at, state_of
from scheduler.rows import tables as t
from scheduler.rows.states import STATE_NAMES, Moment, parts_of, standing_of
from tests.fixtures_chain import TERMS
from tests.unit.chain.test_job import RULES

STORED = (
    JobState.OPEN,
    JobState.RUNNING,
    JobState.ENDED,
    JobState.ENDED,
    JobState.DISPUTED,
    JobState.CLOSED,
)
NOW = 100_000
MOMENT = Moment(NOW, RULES)


def a_database() -> Engine:
    engine = create_engine("sqlite://")
    t.metadata.create_all(engine)
    return engine


ENGINE = a_database()
near = st.integers(-3 * RULES.window - RULES.settle_grace, 5)  # of deadlines, where states change
JOBS = st.lists(
    st.builds(
        Job,
        deposit=st.sampled_from([0, 0, 7]),
        resources=st.just(Resources(1, 1)),
        deadline=near.map(lambda offset: NOW + offset),
        duration=st.just(60),
        rate_card=st.just(1),
        attempt=st.just(1),
        state=st.sampled_from(STORED),
        settled=st.booleans(),
    ),
    max_size=20,
)


def a_row(number: int, job: Job) -> dict[str, object]:
    return {
        "job_id": str(number), "consumer": "", "scheduler": "", "cid": "", "terms": TERMS, "posted_at": 0,
        "posted_block": number, "posted_index": 0, "claim_by": 0, "deposited": job.deposit,
        "deposit": job.deposit, "refunded": 0, "deadline": job.deadline, "duration": job.duration,
        "rate_card": 1, "attempt": 1, "state": job.state, "settled": job.settled, "ended_why": "", "alarm": "",
        "standing": standing_of(job.state, job.deposit, settled=job.settled),
    }  # fmt: skip


@settings(max_examples=300)
@given(JOBS, st.integers(-100, 100))
def test_every_job_is_in_one_state_by_rows_as_by_the_contracts_rule(
    jobs: list[Job], later: int
) -> None:
    at = Moment(NOW + later, RULES)
    with ENGINE.begin() as tx:
        tx.execute(delete(t.jobs))
        if jobs:
            tx.execute(insert(t.jobs), [a_row(number, job) for number, job in enumerate(jobs)])
        found = [
            (int(number), state)
            for state in get_args(State)
            for part in parts_of(state, at)
            for number in tx.execute(select(t.jobs.c.job_id).where(part.where())).scalars()
        ]
    expected = [
        (number, STATE_NAMES[state_of(job, at.now, RULES)]) for number, job in enumerate(jobs)
    ]
    assert sorted(found) == expected


@given(st.integers(0, 10**6))
def test_the_second_at_which_a_job_closes_is_found_from_either_side(deadline: int) -> None:
    closes = closes_at(deadline, RULES)
    assert deadline < Moment(closes, RULES).closed_before
    assert not deadline < Moment(closes - 1, RULES).closed_before


def test_a_page_of_any_state_is_read_from_an_index() -> None:
    with ENGINE.begin() as tx:
        for part in (part for state in get_args(State) for part in parts_of(state, MOMENT)):
            where, order = part.newest_first()
            query = select(t.jobs.c.job_id).where(where).order_by(*order).limit(20)
            plan = tx.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {query.compile(ENGINE, compile_kwargs={'literal_binds': True})}"
            )
            told = " ".join(row[3] for row in plan)
            if part.few:
                assert "INDEX jobs_by_deadline (standing=? AND deadline" in told
            else:
                assert "INDEX jobs_by_standing (standing=?)" in told
                assert "TEMP B-TREE" not in told, "they would all be sorted"
