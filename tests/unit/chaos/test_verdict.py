"""The account of a storm finds what is wrong."""

from __future__ import annotations

from tests.chaos.reader import Line, lines_of
from tests.chaos.verdict import Verdict, double_runs, missing_lines
from tests.chaos.witness import Interval


def test_runs_of_one_job_at_the_same_time_are_found() -> None:
    apart = [Interval("a", 1, "x", 1, 2), Interval("a", 2, "y", 2.5, 4)]
    within = [Interval("b", 1, "x", 1, 9), Interval("b", 2, "y", 2, 3)]
    endless = [Interval("c", 1, "x", 1), Interval("c", 2, "y", 7, 8)]
    assert double_runs({"a": apart}) == []
    assert len(double_runs({"a": apart, "b": within, "c": endless})) == 2


def test_lines_that_are_gone_or_other_than_delivered_are_found() -> None:
    first, second = Line((1, 0), "stdout", "one"), Line((1, 1), "stdout", "two")
    given = {line.at: line for line in (first, second)}
    assert missing_lines(given, [first, second]) == []
    assert len(missing_lines(given, [first])) == 1
    assert len(missing_lines(given, [first, Line((1, 1), "stdout", "three")])) == 1


def test_a_line_cut_off_in_the_stream_was_not_delivered() -> None:
    data = '{"attempt": 1, "seq": 0, "at_ms": 1, "stream": "stdout", "text": "a: b"}'
    whole = f"id: 1-0\nevent: log\ndata: {data}\n\n"
    assert lines_of(whole + whole[:30]) == [Line((1, 0), "stdout", "a: b")]


def test_too_little_done_is_no_success() -> None:
    assert Verdict(jobs=60, kills=40, reorgs=5).holds(60, 40, 5)
    assert not Verdict(jobs=60, kills=39, reorgs=5).holds(60, 40, 5)
    assert not Verdict(jobs=60, kills=40, reorgs=5, log_lines_lost=1).holds(60, 40, 5)
