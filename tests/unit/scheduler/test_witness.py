"""What heartbeats and probes leave behind: the ends of a run, what was metered, and lines that do not come."""

from __future__ import annotations

from dataclasses import replace

from chain.convert import usage_body
from chain.job import Usage
from chain.wire import Heartbeat, ProbeAnswer, ResourcesBody, RunPhase, RunStatus
from scheduler.sessions.witness import Beat, Probe, Sighting, beats_of, see, see_answer
from tests.unit.scheduler.watched import AGENT, BEGAN, GAP_MS, JOB

START = Sighting(BEGAN, BEGAN)


def after(
    phase: RunPhase, ms: int, seen: Sighting = START, *, skew_ms: int = 0, **changes: object
) -> Sighting:
    """What is known after one more heartbeat."""
    now_ms = BEGAN + ms
    beat = replace(Beat(AGENT, JOB, 1, phase, Usage(), now_ms + skew_ms), **changes)  # type: ignore[arg-type]
    return see(seen, beat, 0, now_ms, GAP_MS)


def asked(running: bool | None, started_ms: int, usage: Usage | None) -> Probe:
    """An answer to a probe that was sent 100 ms after the claim."""
    told = None if usage is None else usage_body(usage)
    answer = ProbeAnswer(
        nonce="0x" + "00" * 32, at_ms=BEGAN, running=running, started_ms=started_ms, usage=told
    )
    return Probe(answer.nonce, BEGAN + 100, Usage(), "answered", BEGAN + 200, answer)


def test_only_time_between_heartbeats_that_follow_each_other_is_seen() -> None:
    seen = after("running", 2000)
    assert seen.seen_ms == 2000
    gone = after("running", 2000 + GAP_MS + 1, seen)
    assert gone.seen_ms == 2000
    assert gone.last_ms == BEGAN + 2000 + GAP_MS + 1


def test_a_run_has_not_begun_while_it_is_claimed_or_pulled_and_a_fast_clock_makes_that_no_later() -> (
    None
):
    pulling = after("pulling", 4000, after("claiming", 2000))
    assert pulling.not_before_ms == BEGAN + 4000
    assert after("pulling", 4000, skew_ms=9000).not_before_ms == BEGAN + 4000
    assert after("pulling", 4000, skew_ms=-1000).not_before_ms == BEGAN + 3000


def test_the_first_word_of_an_agent_that_came_back_ends_nothing() -> None:
    running = after("running", 2000)
    for phase in ("accepted", "claiming", "pulling", "starting", "stopping"):
        later = after(phase, 4000, running)
        assert (later.not_before_ms, later.ended_ms) == (None, None)


def test_a_run_is_over_from_the_first_word_of_it_unless_it_is_seen_to_run_again() -> None:
    over = after("finished", 6000, after("completing", 4000))
    assert over.ended_ms == BEGAN + 4000
    assert after("running", 8000, over).ended_ms is None


def test_a_probe_tells_the_beginning_by_when_it_was_sent_and_the_end_by_when_it_was_answered() -> (
    None
):
    now_ms = BEGAN + 200
    assert see_answer(START, asked(False, 0, Usage()), now_ms).not_before_ms == BEGAN + 100
    assert see_answer(START, asked(False, BEGAN, Usage()), now_ms).ended_ms == now_ms
    begun = see_answer(START, asked(True, BEGAN, Usage(wall_s=3)), now_ms)
    assert (begun.running_ms, begun.metered) == (now_ms, Usage(wall_s=3))
    removed = see_answer(begun, asked(False, 0, Usage()), now_ms)
    assert (removed.not_before_ms, removed.metered) == (None, Usage(wall_s=3))


def test_an_engine_that_says_nothing_and_a_run_that_is_not_there_tell_no_end() -> None:
    now_ms = BEGAN + 200
    silent = see_answer(START, asked(None, 0, Usage(wall_s=1)), now_ms)
    assert (silent.not_before_ms, silent.ended_ms, silent.last_ms) == (None, None, now_ms)
    assert see_answer(START, asked(None, 0, None), now_ms) == START


def test_a_heartbeat_is_taken_apart_run_by_run() -> None:
    room = ResourcesBody(cpu_millis=1, memory_mib=1)
    run = RunStatus(job_id=JOB, attempt=2, phase="running", ledger="ab" * 32, lines=7)
    heartbeat = Heartbeat(
        at_ms=5,
        capacity=room,
        free=room,
        cpu_percent=0,
        memory_used_mib=0,
        disk_free_mib=0,
        runs=[run],
    )
    assert beats_of(AGENT, heartbeat) == [Beat(AGENT, JOB, 2, "running", Usage(), 5, "ab" * 32, 7)]
