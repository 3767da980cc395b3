"""What a ledger is worth: every way of lying in one that can be seen from it alone, or against what was signed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eth_account import Account

from chain.job import Usage
from chain.ledger import GENESIS, Line, encode, head_of
from chain.ledger_check import beyond_fence, check_ledger
from chain.messages import UsageStatement
from tests.unit.chain.ledgers import JOB, RUN, START, an_honest_one, reported, sample, written


def faults(lines: list[Line | Usage]) -> str:
    return "; ".join(check_ledger(written(lines)).faults)


def test_an_honest_ledger_holds_and_says_what_was_signed() -> None:
    checked = check_ledger(written(an_honest_one(20)))
    assert checked.faults == ()
    assert checked.run == RUN
    assert checked.usage == checked.reported == Usage(10_000, 2000, 0, 20)
    assert (checked.starts, len(checked.reports)) == (1, 2)


def test_what_was_metered_after_the_last_report_is_not_signed() -> None:
    checked = check_ledger(written([*an_honest_one(20), sample(30)]))
    assert checked.faults == ()
    assert (checked.reported.wall_s, checked.usage.wall_s) == (20, 30)


def test_a_report_of_more_than_was_metered_is_found() -> None:
    more = replace(sample(10).usage(), cpu_ms=7500)
    assert "line 4 reports 7500 ms of CPU" in faults([RUN, START, sample(10), more])


def test_a_report_that_another_has_signed_is_found() -> None:
    another = replace(RUN, agent=Account.from_key("0x" + "17" * 32).address)
    lines: list[Line | Usage] = [another, START, sample(10), sample(10).usage()]
    assert "line 4 is not signed by the run's agent" in faults(lines)


@pytest.mark.parametrize("change", [{"job_id": "0x" + "0c" * 32}, {"attempt": 2}, {"chain_id": 1}])
def test_a_ledger_cannot_be_moved_to_another_run(change: dict[str, object]) -> None:
    moved = replace(RUN, **change)  # type: ignore[arg-type]
    assert "is not signed" in faults([moved, START, sample(10), sample(10).usage()])


def test_a_report_cannot_be_moved_to_another_place_of_the_ledger() -> None:
    first = written([RUN, START, sample(10)])
    head = head_of(first.splitlines()[-1])
    line = reported(sample(10).usage(), "f" * 64)
    told = check_ledger(first + encode(line, head)).faults
    assert told == ("line 4 is not signed by the run's agent",)


def test_a_signature_that_is_none_is_a_fault_and_no_error() -> None:
    first = written([RUN, START, sample(10)])
    line = replace(reported(sample(10).usage(), GENESIS), signature="0xzz")
    told = check_ledger(first + encode(line, head_of(first.splitlines()[-1]))).faults
    assert told == ("line 4 is not signed by the run's agent",)


def test_more_processor_time_than_the_fence_lets_through_is_found() -> None:
    greedy = sample(60, cpu_ms=90_000)
    assert "of cpu_ms cannot be" in faults([RUN, START, greedy, greedy.usage()])


def test_more_running_time_than_passed_is_found() -> None:
    longer = replace(sample(60), at_ms=START.started_ms + 30_000)
    assert "of running time cannot be" in faults([RUN, START, longer, longer.usage()])


def test_a_ledger_that_is_cut_off_or_names_no_run_is_found() -> None:
    whole = written(an_honest_one())
    assert "line 6 does not follow" in check_ledger(whole[:-2]).faults[0]
    assert "does not say which run" in faults([START, sample(1)])
    assert "names the run again" in faults([RUN, START, RUN])


def test_what_its_agent_signed_earlier_must_be_in_it() -> None:
    true, rewritten = (
        written(an_honest_one(20)),
        written([RUN, START, sample(20), sample(20).usage()]),
    )
    head = check_ledger(written(an_honest_one(20)[:3])).head
    told = UsageStatement(JOB, 1, sample(10).usage(), 1, head, START.started_ms)
    assert check_ledger(true).against([told], None) == []
    assert "which is not in it" in check_ledger(rewritten).against([told], None)[0]
    lied = replace(told, usage=replace(told.usage, cpu_ms=1))
    assert "which is not in it" in check_ledger(true).against([lied], None)[0]


def test_more_was_billed_than_is_signed_in_it() -> None:
    checked = check_ledger(written(an_honest_one(20)))
    assert checked.against([], checked.reported) == []
    assert "were billed" in checked.against([], replace(checked.reported, cpu_ms=15_000))[0]


def test_a_bill_must_be_of_one_signed_line_and_not_of_what_was_metered_later() -> None:
    checked = check_ledger(written(an_honest_one(20)))
    early = sample(10).usage()
    assert checked.against([], early) == []
    assert checked.against([], replace(early, cpu_ms=4000)) == []  # the contract's cap
    assert "were billed" in checked.against([], replace(early, cpu_ms=7500))[0]
    assert checked.against([], Usage()) == []


def test_many_starts_may_need_more_than_the_program_itself() -> None:
    quick = Usage(cpu_ms=12_000, wall_s=1)
    small = replace(RUN.reserved, cpu_millis=100)
    assert beyond_fence(quick, small, starts=4) == []
    assert beyond_fence(quick, small, starts=1)
