"""What the agent does next, over every mixture of what it has done and seen."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.container.restart import Exit
from agent.observed import Absent, Container, Here, OnChain
from agent.runs import steps as do
from agent.runs.reconcile import decide
from agent.runs.record import RunRecord
from chain.job import JobState, Resources, RunState, Usage, seconds_to_cover
from chain.manifest import parse_manifest
from tests.unit.agent.builders import (
    EXITED,
    NOW,
    RUNNING,
    a_record,
    a_running_record,
    an_ended_record,
    an_offer,
    an_open_job,
    on_chain,
)

GRACE = 15
NOTHING = Usage()
MOMENT = Here(NOW * 1000 + 5500, 30)
TAKEN = {"run": RunState.ABSENT, "taken": True}
SETTLED = {"run": RunState.SETTLED}

PAID = {"earned": 5, "released": 5, "all_final": True, "run": RunState.SETTLED}
SHALLOW = {"deep_run": RunState.ABSENT}
UNDONE = an_open_job()
PAYABLE = an_ended_record(settled=True, cleaned=True)


def next_step(
    record: RunRecord,
    container: Any,
    chain: OnChain | None,
    usage: Usage = NOTHING,
    here: Here = MOMENT,
) -> do.Action:
    return decide(record, container, chain, usage, GRACE, here)


def test_a_container_with_secret_variables_is_made_after_the_claim_and_one_with_files_before() -> (
    None
):
    for secrets, first in (("[A]", do.Create), ("[{name: A, env: true}]", do.Claim)):
        offer = an_offer(parse_manifest(f"secrets: {secrets}"))
        record = a_record(offer=offer, accepted=True)
        assert isinstance(next_step(record, Absent(), an_open_job()), first)


@pytest.mark.parametrize(
    ("record", "container", "chain", "action"),
    [
        (a_record(), Absent(), an_open_job(), do.Accept),
        (a_record(accepted=True), Absent(), an_open_job(), do.Create),
        (a_record(accepted=True, container_id="c1"), Absent(), an_open_job(), do.Claim),
        (a_record(), Absent(), an_open_job(now=NOW + 58), do.Refuse),
        (a_record(accepted=True), Absent(), an_open_job(now=NOW + 58), do.Wait),
        (a_record(accepted=True), Absent(), an_open_job(now=NOW + 61), do.Refuse),
        (a_record(accepted=True), Absent(), an_open_job(now=NOW + 61, head_time=NOW), do.Wait),
        (a_record(accepted=True), Absent(), on_chain(), do.NoteClaim),
        (a_record(), Absent(), on_chain(**TAKEN), do.Refuse),
        (a_record(), Absent(), an_open_job(attempt=2), do.Refuse),
        (a_record(), Absent(), an_open_job(state=JobState.CLOSED), do.Refuse),
        (a_record(), Absent(), an_open_job(state=JobState.ABSENT), do.Wait),
        (a_record(), Absent(), None, do.Wait),
        (a_record(refused="no"), Absent(), None, do.Clean),
        (a_running_record(container_id=""), Absent(), on_chain(), do.Create),
        (a_running_record(container_id=""), Absent(), on_chain(state=JobState.ENDED), do.NoteExit),
        (a_running_record(container_id=""), Absent(), on_chain(**SHALLOW), do.Wait),
        (a_running_record(container_id=""), Absent(), UNDONE, do.Claim),
        (a_running_record(container_id=""), Absent(), an_open_job(now=NOW + 61), do.Refuse),
        (
            a_running_record(container_id=""),
            Absent(),
            an_open_job(now=NOW + 61, head_time=NOW),
            do.Wait,
        ),
        (a_running_record(), Container("created"), on_chain(), do.Start),
        (a_running_record(), Container("created"), on_chain(**SHALLOW), do.Wait),
        (a_running_record(), Container("created"), None, do.Wait),
        (a_running_record(), Container("created", error="no such file"), on_chain(), do.NoteExit),
        (a_running_record(), RUNNING, on_chain(), do.Watch),
        (a_running_record(), RUNNING, on_chain(state=JobState.ENDED), do.Stop),
        (a_running_record(), RUNNING, on_chain(state=JobState.DISPUTED), do.Stop),
        (a_running_record(), RUNNING, on_chain(attempt=2, state=JobState.OPEN, **SETTLED), do.Stop),
        (a_running_record(), RUNNING, on_chain(**TAKEN), do.Stop),
        (a_running_record(), RUNNING, on_chain(run=RunState.ABSENT), do.Watch),
        (a_running_record(), EXITED, on_chain(), do.NoteExit),
        (a_running_record(), Absent(), on_chain(), do.NoteExit),
        (an_ended_record(collected=False), Absent(), on_chain(), do.Collect),
        (an_ended_record(), Absent(), on_chain(), do.Complete),
        (an_ended_record(), Absent(), on_chain(**SETTLED), do.NoteSettled),
        (an_ended_record(), Absent(), on_chain(deep_run=RunState.LIVE, **SETTLED), do.Wait),
        (an_ended_record(), Absent(), UNDONE, do.Claim),
        (
            an_ended_record(),
            Absent(),
            on_chain(state=JobState.ENDED, deadline=NOW + 19),
            do.Complete,
        ),
        (an_ended_record(), Absent(), on_chain(state=JobState.ENDED, deadline=NOW), do.NoteSettled),
        (an_ended_record(), Absent(), on_chain(attempt=2, **SETTLED), do.NoteSettled),
        (an_ended_record(), Absent(), on_chain(run=RunState.FROZEN), do.NoteSettled),
        (an_ended_record(settled=True), Absent(), None, do.Clean),
        (PAYABLE, Absent(), on_chain(earned=5, **SETTLED), do.Wait),
        (PAYABLE, Absent(), on_chain(earned=5, released=5, all_final=True, **SETTLED), do.NotePaid),
        (PAYABLE, Absent(), on_chain(earned=5, released=5, all_final=True), do.Wait),
        (PAYABLE, Absent(), on_chain(deep_released=0, **PAID), do.Wait),
        (PAYABLE, Absent(), UNDONE, do.Wait),
        (PAYABLE, Absent(), on_chain(state=JobState.ENDED, now=NOW + 600 + GRACE + 60), do.Wait),
        (PAYABLE, Absent(), on_chain(state=JobState.ENDED, now=NOW + 661 + GRACE), do.FreeBond),
    ],
)
def test_each_situation_has_its_step(
    record: RunRecord, container: Any, chain: OnChain | None, action: type[do.Action]
) -> None:
    assert type(next_step(record, container, chain)) is action


def test_the_last_report_waits_until_the_chains_clock_covers_it_and_not_longer_than_patience() -> (
    None
):
    usage = Usage(cpu_ms=25_000)
    assert next_step(an_ended_record(), Absent(), on_chain(now=NOW + 12), usage) == do.Wait(
        "the chain's clock is behind what was metered"
    )
    assert next_step(an_ended_record(), Absent(), on_chain(now=NOW + 15), usage) == do.Complete()
    assert (
        next_step(an_ended_record(), Absent(), on_chain(now=NOW + 12, deadline=NOW + 12), usage)
        == do.Complete()
    )


booleans = st.booleans()
records = st.builds(
    a_record,
    refused=st.sampled_from(["", "", "why"]),
    accepted=booleans,
    claimed_at=st.sampled_from([0, NOW]),
    container_id=st.sampled_from(["", "c1"]),
    exit=st.sampled_from([None, Exit(0, NOW * 1000, NOW * 1000 + 10)]),
    collected=booleans,
    settled=booleans,
    cleaned=booleans,
)
containers = st.sampled_from([RUNNING, EXITED, Container("created"), Absent()])
chains = st.builds(
    on_chain,
    state=st.sampled_from(JobState),
    attempt=st.integers(0, 3),
    deadline=st.integers(NOW - 50, NOW + 50),
    run=st.sampled_from(RunState),
    taken=booleans,
    now=st.integers(NOW - 60, NOW + 200),
    all_final=booleans,
)


@given(records, containers)
def test_a_silent_chain_ends_nothing_that_runs(record: RunRecord, container: Any) -> None:
    action = next_step(record, container, None)
    runs = record.claimed_at and record.exit is None and not record.refused and container == RUNNING
    if runs:
        assert action == do.Watch()
    assert not isinstance(action, do.Stop | do.Refuse | do.NoteSettled | do.NotePaid | do.FreeBond)


@given(records, chains)
def test_a_silent_engine_ends_no_container(record: RunRecord, chain: OnChain) -> None:
    action = next_step(record, None, chain)
    if record.claimed_at and record.exit is None and not record.refused:
        assert isinstance(action, do.Wait)


@given(records, chains)
def test_a_running_container_is_stopped_only_by_the_chains_word(
    record: RunRecord, chain: OnChain
) -> None:
    action = next_step(record, RUNNING, chain)
    if isinstance(action, do.Stop):
        ours = chain.attempt == 1 and chain.state is JobState.RUNNING
        assert chain.taken or not ours
        assert chain.taken or chain.run is not RunState.ABSENT
        assert action.why


@given(records, st.one_of(st.none(), containers), st.one_of(st.none(), chains))
def test_nothing_is_claimed_twice_or_without_a_container_and_nothing_started_without_a_claim(
    record: RunRecord, container: Any, chain: OnChain | None
) -> None:
    action = next_step(record, container, chain)
    if isinstance(action, do.Claim | do.Accept):
        assert chain is not None
        assert chain.run is RunState.ABSENT
        assert record.claimed_at == 0 or chain.state is JobState.OPEN
    if isinstance(action, do.Claim):
        assert record.claimed_at or record.container_id
    if isinstance(action, do.Create):
        assert record.claimed_at or record.accepted
        assert not record.refused
    if isinstance(action, do.Start | do.Complete):
        assert record.claimed_at
        assert not record.refused
    if isinstance(action, do.Start):
        assert chain is not None
        assert chain.deep_run is not RunState.ABSENT


def test_what_was_reserved_covers_usage_after_whole_seconds() -> None:
    reserved = Resources(500, 64, 0)
    assert seconds_to_cover(reserved, Usage(cpu_ms=501, memory_mib_s=64, wall_s=1)) == 2
    assert seconds_to_cover(reserved, Usage()) == 0
    assert seconds_to_cover(reserved, Usage(wall_s=9)) == 9
