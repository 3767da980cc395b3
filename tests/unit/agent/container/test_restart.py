"""Programs that end are started again as their manifest says, after pauses that grow, and nothing else decides it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.container.restart import MOST_S, WELL_MS, Exit, Starts, after, may_restart, pause_s, told
from agent.observed import Container, Here, OnChain
from agent.runs import steps as do
from agent.runs.reconcile import decide
from agent.runs.record import RunRecord, load, save
from chain.job import JobState, RunState, Usage
from chain.manifest import Manifest, parse_manifest
from tests.unit.agent.builders import EXITED, NOW, RUNNING, a_running_record, an_offer, on_chain

MS = NOW * 1000
FAILED = replace(EXITED, exit_code=1)
ALWAYS = parse_manifest("restart: always")
THRICE = parse_manifest("restart: on-failure:3")
SERVICE = parse_manifest("kind: service")
NEVER = Manifest()
ENDED = Exit(1, FAILED.started_ms, FAILED.finished_ms)
NOTED = after(Starts(), ENDED, 0)
UNWELL = replace(RUNNING, health="unhealthy", ill_why="its health check failed: no")


def a_run_of(manifest: Manifest, **changes: Any) -> RunRecord:
    return a_running_record(offer=an_offer(manifest), **changes)


def step(
    record: RunRecord,
    container: Container,
    chain: OnChain | None = None,
    now_ms: int = MS + 5500,
    lease_s: float = 30,
) -> do.Action:
    return decide(record, container, chain or on_chain(), Usage(), 15, Here(now_ms, lease_s))


@pytest.mark.parametrize(
    ("manifest", "code", "count", "wanted"),
    [
        (NEVER, 1, 0, False),
        (THRICE, 1, 0, True),
        (THRICE, 1, 2, True),
        (THRICE, 1, 3, False),
        (THRICE, 0, 0, False),
        (ALWAYS, 0, 1000, True),
        (SERVICE, 0, 0, True),
        (SERVICE, 137, 9, True),
    ],
)
def test_the_manifest_says_whether_a_program_is_started_again(
    manifest: Manifest, code: int, count: int, wanted: bool
) -> None:
    assert may_restart(manifest, Starts(count=count), code) is wanted
    container = replace(EXITED, exit_code=code)
    action = step(a_run_of(manifest, starts=Starts(count=count)), container)
    assert action == (do.Again(container) if wanted else do.NoteExit())


def test_an_end_is_written_down_once_then_waited_out_then_followed_by_a_start() -> None:
    record = a_run_of(ALWAYS, starts=NOTED)
    assert step(record, FAILED, now_ms=FAILED.finished_ms + 999) == do.Wait(told(NOTED))
    assert step(record, FAILED, now_ms=FAILED.finished_ms + 1000) == do.Start()
    second = replace(FAILED, started_ms=MS + 7000, finished_ms=MS + 7100)
    assert step(record, second) == do.Again(second)


def test_nothing_is_started_again_on_a_claim_or_a_lease_that_may_not_stand() -> None:
    record, late = a_run_of(ALWAYS, starts=NOTED), MS + 60_000
    assert isinstance(step(record, FAILED, on_chain(run=RunState.ABSENT), late), do.Wait)
    assert isinstance(step(record, FAILED, on_chain(deep_run=RunState.ABSENT), late), do.Wait)
    assert isinstance(step(record, FAILED, on_chain(), late, lease_s=1.9), do.Wait)
    here = Here(late, 0.0)
    assert isinstance(decide(record, FAILED, None, Usage(), 15, here), do.Wait)


@pytest.mark.parametrize("manifest", [ALWAYS, SERVICE, THRICE])
def test_the_chains_end_is_the_end_also_between_two_starts(manifest: Manifest) -> None:
    over = on_chain(state=JobState.ENDED)
    action = step(a_run_of(manifest, starts=NOTED), FAILED, over)
    assert isinstance(action, do.NoteExit)
    assert action.why
    assert step(a_run_of(manifest), FAILED, over) == do.NoteExit()
    assert step(a_run_of(manifest, stop_why="told to"), FAILED) == do.NoteExit()
    assert isinstance(step(a_run_of(manifest), UNWELL, over), do.Stop)


def test_a_start_that_fails_ends_the_run_with_the_engines_reason() -> None:
    action = step(a_run_of(ALWAYS, starts=NOTED), replace(FAILED, error="no such file"))
    assert action == do.NoteExit("the container did not start again: no such file")


def test_an_unhealthy_program_is_stopped_only_where_it_may_be_started_again() -> None:
    assert step(a_run_of(ALWAYS), UNWELL) == do.Heal(UNWELL.ill_why)
    assert step(a_run_of(THRICE), UNWELL) == do.Heal(UNWELL.ill_why)
    assert step(a_run_of(THRICE, starts=Starts(count=3)), UNWELL) == do.Watch()
    assert step(a_run_of(NEVER), UNWELL) == do.Watch()
    assert step(a_run_of(ALWAYS), replace(UNWELL, health="starting")) == do.Watch()


def test_one_that_was_stopped_for_its_health_is_started_again_whatever_it_ended_with() -> None:
    ill = replace(NOTED, ill="its health check fails")
    well_ended = replace(EXITED, started_ms=MS + 6000, finished_ms=MS + 7000)
    assert step(a_run_of(THRICE, starts=ill), well_ended) == do.Again(well_ended)
    assert step(a_run_of(THRICE, starts=ill), RUNNING) == do.Heal(ill.ill)
    assert after(ill, Exit(0, MS, MS + 10 * WELL_MS), 0).ill == ""


def test_pauses_double_up_to_a_minute_and_begin_anew_after_a_minute_of_running_well() -> None:
    starts, pauses, now = Starts(), [], MS
    for _ in range(9):
        starts = after(starts, Exit(1, now, now + 100), 0)
        pauses.append((starts.at_ms - now - 100) // 1000)
        now = starts.at_ms
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    well = after(starts, Exit(1, now, now + WELL_MS), 0)
    assert (well.quick, well.at_ms - now - WELL_MS) == (1, 1000)
    unwell = after(replace(starts, ill="why"), Exit(1, now, now + WELL_MS), 0)
    assert unwell.quick == starts.quick + 1
    assert (well.count, well.first_ms) == (10, MS)


def test_what_is_told_between_two_starts_names_code_reason_pause_and_count() -> None:
    twice = after(NOTED, Exit(137, MS + 9000, MS + 9100, "killed: out of memory"), 0)
    assert told(NOTED) == "the program ended with 1; started again in 1 s (restart 1)"
    reason = "137 (killed: out of memory)"
    assert told(twice) == f"the program ended with {reason}; started again in 2 s (restart 2)"
    assert told(Starts()) == ""


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_a_clock_that_jumps_holds_a_start_up_by_no_more_than_a_pause(jump: int, quick: int) -> None:
    starts = replace(NOTED, quick=quick, at_ms=MS + pause_s(quick) * 1000)
    assert 1 <= pause_s(quick) <= MOST_S
    assert 0 <= starts.pause_left_s(MS + jump) <= MOST_S


@given(
    st.sampled_from([NEVER, THRICE, ALWAYS, SERVICE]),
    st.sampled_from([Starts(), NOTED, replace(NOTED, count=3), replace(NOTED, ill="why")]),
    st.sampled_from([RUNNING, UNWELL, FAILED, EXITED]),
    st.sampled_from(JobState),
    st.sampled_from(RunState),
    st.booleans(),
)
def test_no_run_that_the_chain_has_ended_is_started_again(
    manifest: Manifest,
    starts: Starts,
    container: Container,
    state: JobState,
    run: RunState,
    taken: bool,
) -> None:
    chain = on_chain(state=state, run=run, taken=taken)
    action = step(a_run_of(manifest, starts=starts), container, chain, MS + 60_000)
    ours = run is not RunState.ABSENT and not taken and state is JobState.RUNNING
    if isinstance(action, do.Start):
        assert ours
        assert starts.is_noted(container.started_ms)
    if isinstance(action, do.Again | do.Heal):
        assert manifest.restarts != 0


def test_a_record_with_starts_is_read_as_it_was_written(tmp_path: Any) -> None:
    record = a_run_of(ALWAYS, starts=replace(NOTED, oom_kills=2, ill="why"))
    save(tmp_path, record)
    assert load(tmp_path) == record
