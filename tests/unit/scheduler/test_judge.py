"""A bill is disputed for what was said or shown, and never for what was not seen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.convert import usage_body
from chain.job import Usage, cost, usage_cap
from chain.wire import ProbeAnswer
from scheduler.sessions.witness import Beat, Probe, Sighting, see
from scheduler.watch.judge import SLACK_S, UNANSWERED, WITHHELD_S, Bill, Verdict, WatchRules, judge
from tests.unit.scheduler.watched import (
    AGENT,
    BEGAN,
    GAP_MS,
    JOB,
    RATES,
    RESERVED,
    Plan,
    Span,
    stated,
    watch,
)

ANY = WatchRules(least=1, silence_s=300)
NOW = BEGAN + 600_000
HOUR_MS = 3_600_000

outages = st.lists(
    st.tuples(st.integers(0, 300), st.integers(1, 200)), max_size=3, unique=True
).map(tuple)
honest_plans = st.builds(
    Plan,
    starts=st.integers(1, 120),
    lasts=st.integers(1, 500),
    load=st.integers(0, 1000),
    skew_ms=st.integers(-5000, 5000),
    delay_s=st.integers(0, 16),
    mining_s=st.integers(1, 15),
    agent_down=outages,
    link_down=outages,
    watcher_down=outages,
)


def verdicts(plan: Plan) -> list[Verdict]:
    """All that the watcher would have gone to court with."""
    looks = ((known.bill(), known.seen, known.probes, now_ms) for known, now_ms in watch(plan))
    found = (judge(bill, seen, probes, ANY, now) for bill, seen, probes, now in looks if seen)
    return [verdict for verdict in found if verdict is not None]


@settings(max_examples=300, deadline=None)
@given(honest_plans)
def test_an_honest_run_is_never_disputed_whatever_goes_down_gets_lost_or_is_late(
    plan: Plan,
) -> None:
    assert not verdicts(plan)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(125, 400), st.integers(60, 120), st.integers(500, 1000), st.integers(-5000, 5000)
)
def test_padding_of_a_quarter_is_caught_on_a_run_that_is_seen_throughout(
    padding: int, starts: int, load: int, skew_ms: int
) -> None:
    plan = Plan(padding=padding, starts=starts, load=load, skew_ms=skew_ms)
    assert verdicts(plan)


def a_bill(seconds: int, **changes: int) -> Bill:
    """All that was reserved, for so many seconds, just now."""
    usage = usage_cap(RESERVED, seconds)
    bill = Bill(usage, NOW, RESERVED, RATES, cost(usage, RATES))
    return replace(bill, **changes)  # type: ignore[arg-type]


def a_sighting(**changes: object) -> Sighting:
    """Heard of until now."""
    return replace(Sighting(BEGAN, NOW, running_ms=BEGAN), **changes)  # type: ignore[arg-type]


def a_probe(reported: int, metered: int | None, *, running: bool | None = True) -> Probe:
    """Answered a moment ago; in seconds of all that was reserved, None for no figure."""
    usage = None if metered is None else usage_body(usage_cap(RESERVED, metered))
    answer = ProbeAnswer(nonce="0x" + "00" * 32, at_ms=NOW, running=running, usage=usage)
    return Probe(answer.nonce, NOW, usage_cap(RESERVED, reported), "answered", NOW, answer)


def unanswered(reported: int) -> Probe:
    """While its session went on."""
    return Probe("0x" + "01" * 32, NOW, usage_cap(RESERVED, reported), "unanswered")


def test_its_own_meter_read_after_the_report_contradicts_a_padded_bill() -> None:
    verdict = judge(a_bill(100), a_sighting(), [a_probe(100, 60)], ANY, NOW)
    assert verdict is not None
    assert verdict.supported == usage_cap(RESERVED, 60)
    tolerated = cost(usage_cap(RESERVED, 60 + SLACK_S + 5), RATES)
    assert verdict.excess == cost(usage_cap(RESERVED, 100), RATES) - tolerated
    assert "its own meter showed" in verdict.reasons[0]


def test_what_lies_within_the_tolerance_is_let_pass() -> None:
    assert judge(a_bill(100), a_sighting(), [a_probe(100, 86)], ANY, NOW) is None


def test_a_meter_that_caught_up_with_what_was_reported_ends_the_suspicion() -> None:
    probes = [a_probe(100, 60), a_probe(100, 100)]
    assert judge(a_bill(100), a_sighting(), probes, ANY, NOW) is None


def test_only_what_is_not_final_counts_as_excess() -> None:
    bill = a_bill(100, frozen=7)
    verdict = judge(bill, a_sighting(), [a_probe(100, 10)], ANY, NOW)
    assert verdict is not None
    assert verdict.excess == 7
    assert judge(bill, a_sighting(), [a_probe(100, 10)], replace(ANY, least=8), NOW) is None


def test_a_container_that_started_later_than_it_is_billed_from_is_told_by_its_own_start() -> None:
    probe = a_probe(100, 100)
    assert probe.answer is not None
    answer = probe.answer.model_copy(update={"started_ms": NOW - 20_000})
    verdict = judge(a_bill(100), a_sighting(), [replace(probe, answer=answer)], ANY, NOW)
    assert verdict is not None
    assert verdict.supported.wall_s == 20


@pytest.mark.parametrize(
    "silence",
    [
        [unanswered(5)] * UNANSWERED,
        [a_probe(100, 5), *[unanswered(5)] * UNANSWERED],
        [a_probe(5, None)] * UNANSWERED,
    ],
)
def test_who_is_asked_again_and_again_and_shows_nothing_is_paid_until_then(
    silence: list[Probe],
) -> None:
    verdict = judge(a_bill(100), a_sighting(), silence, ANY, NOW)
    assert verdict is not None
    assert verdict.supported == usage_cap(RESERVED, 5)


def test_sessions_that_broke_and_engines_that_were_silent_prove_nothing() -> None:
    void = replace(unanswered(5), outcome="void")
    silent_engine = a_probe(100, 100, running=None)
    for probes in (
        [void] * 9,
        [unanswered(5), unanswered(5), silent_engine],
        [void, silent_engine],
    ):
        assert judge(a_bill(100), a_sighting(), probes, ANY, NOW) is None


def test_a_run_is_not_billed_before_it_was_seen_not_to_have_begun_nor_after_its_end() -> None:
    before = a_sighting(not_before_ms=NOW - 30_000)
    after = a_sighting(not_before_ms=NOW - 300_000, ended_ms=NOW - 270_000)
    for seen in (before, after):
        verdict = judge(a_bill(100), seen, [], ANY, NOW)
        assert verdict is not None
        assert verdict.supported == usage_cap(RESERVED, 30)
    assert judge(a_bill(40), before, [], ANY, NOW) is None


def test_silence_counts_only_while_others_were_heard_and_only_beyond_the_limit() -> None:
    seen = a_sighting(last_ms=NOW - HOUR_MS, metered=usage_cap(RESERVED, 10))
    assert judge(a_bill(1000, silent_ms=299_000), seen, [], ANY, NOW) is None
    assert judge(a_bill(1000), seen, [], ANY, NOW) is None
    deaf_s = HOUR_MS // 1000 - 400
    assert judge(a_bill(deaf_s, silent_ms=400_000), seen, [], ANY, NOW) is None
    gone_on = replace(seen, last_ms=NOW - 400_000)
    verdict = judge(a_bill(1000, silent_ms=400_000), gone_on, [], ANY, NOW)
    assert verdict is not None
    assert verdict.supported == usage_cap(RESERVED, 310)


def beaten(
    seconds: int, lines: int, delivered: int, seen: Sighting, after_ms: int = 2000
) -> Sighting:
    """Heartbeats of so many seconds, that tell of so many lines while so many have come."""
    for now_ms in range(seen.last_ms + after_ms, seen.last_ms + after_ms + 1000 * seconds, 2000):
        beat = Beat(AGENT, JOB, 1, "running", usage_cap(RESERVED, 5), now_ms, lines=lines)
        seen = see(seen, beat, delivered, now_ms, GAP_MS)
    return seen


def test_lines_that_are_told_of_and_withheld_end_the_pay_after_a_while() -> None:
    start = Sighting(BEGAN, BEGAN)
    withheld = beaten(WITHHELD_S + 60, 9, 3, start)
    bill = a_bill(400)
    verdict = judge(bill, withheld, [], ANY, withheld.last_ms)
    assert verdict is not None
    assert "6 log lines" in verdict.reasons[0]
    assert verdict.supported == usage_cap(RESERVED, 5 + WITHHELD_S)
    came_on = beaten(40, 9, 4, beaten(WITHHELD_S - 20, 9, 3, start))
    broke = beaten(40, 9, 3, withheld, after_ms=60_000)
    for seen in (came_on, broke, beaten(WITHHELD_S + 60, 9, 9, start)):
        assert judge(bill, seen, [], ANY, seen.last_ms) is None


def test_an_unwatched_span_gives_no_bill_the_lie() -> None:
    down: tuple[Span, ...] = ((10, 280),)
    assert not verdicts(Plan(padding=100, watcher_down=down, link_down=down))


def test_a_bill_of_nothing_is_no_case() -> None:
    bill = Bill(Usage(), NOW, RESERVED, RATES, 0)
    assert judge(bill, a_sighting(not_before_ms=NOW), [unanswered(0)] * 5, ANY, NOW) is None


def a_signed_probe(billed: Usage, metered: Usage, starts: int = 1) -> Probe:
    """Answered with a signature."""
    told = stated(metered, starts)
    answer = ProbeAnswer(
        nonce="0x" + "1f" * 32, at_ms=NOW, running=True, started_ms=BEGAN, usage=usage_body(metered), statement=told
    )  # fmt: skip
    return Probe(answer.nonce, NOW - 100, billed, "answered", NOW, answer)


def judged(usage: Usage, *probes: Probe, **changes: object) -> Verdict | None:
    """The verdict on a bill of this usage, of a run of ten minutes that was seen throughout."""
    bill = Bill(usage, NOW, RESERVED, RATES, cost(usage, RATES))
    seen = Sighting(BEGAN, NOW, running_ms=BEGAN)
    return judge(replace(bill, **changes), seen, probes, ANY, NOW)  # type: ignore[arg-type]


def test_what_was_signed_after_a_report_contradicts_it_to_the_millisecond() -> None:
    metered = Usage(cpu_ms=1000, memory_mib_s=500, wall_s=10)
    billed = replace(metered, cpu_ms=1001)
    verdict = judged(billed, a_signed_probe(billed, metered))
    assert verdict is not None
    assert verdict.supported == metered
    assert verdict.excess == RATES.cpu_ms
    assert "signed afterwards: metered 1000 ms of CPU" in verdict.reasons[0]
    assert judged(metered, a_signed_probe(metered, metered)) is None


def test_of_a_meter_that_shows_what_cannot_be_nothing_is_supported_that_rests_on_it() -> None:
    billed = Usage(cpu_ms=60_000, memory_mib_s=100, wall_s=60)
    impossible = replace(billed, cpu_ms=200_000)
    verdict = judged(billed, a_signed_probe(billed, impossible))
    assert verdict is not None
    assert verdict.supported == Usage(wall_s=60)
    assert "its meter is false: 200000 of cpu_ms cannot be" in verdict.reasons[0]


def test_a_container_that_is_started_often_may_need_more_than_its_fence() -> None:
    billed = Usage(cpu_ms=20_000, wall_s=2)
    assert judged(billed, a_signed_probe(billed, billed, starts=1)) is not None
    assert judged(billed, a_signed_probe(billed, billed, starts=10)) is None


def test_a_false_ledger_is_taken_to_court_and_one_without_faults_is_not() -> None:
    billed = Usage(cpu_ms=30_000, memory_mib_s=100, wall_s=60)
    verdict = judged(billed, ledger_faults=("line 3 is not signed by the run's agent",))
    assert verdict is not None
    assert verdict.reasons == ("its meter is false: line 3 is not signed by the run's agent",)
    assert judged(billed) is None
