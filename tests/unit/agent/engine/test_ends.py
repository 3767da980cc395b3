"""The Engine's events are read line by line, however they are cut, and whatever is in them."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from agent.engine.ends import events_of, run_of

JOB = "0x" + "12" * 32
LABELS = {"draas.job": JOB, "draas.attempt": "2", "image": "busybox"}
EVENT = {"Action": "die", "Actor": {"ID": "c1", "Attributes": LABELS}, "time": 7}


@given(st.lists(st.integers(1, 400)))
def test_events_are_whole_wherever_the_stream_is_cut(cuts: list[int]) -> None:
    text = b"".join(json.dumps(EVENT | {"time": n}).encode() + b"\n" for n in range(5))
    chunks, at = [], 0
    for cut in [*cuts, len(text)]:
        chunks.append(text[at : at + cut])
        at += cut
    assert [event["time"] for event in events_of(chunks)] == [0, 1, 2, 3, 4]


def test_what_is_no_event_is_passed_over() -> None:
    assert list(events_of([b"{no\n[1]\n\n", b'{"time": 3}\n{"cut'])) == [{"time": 3}]


def test_an_event_names_its_run_by_the_labels() -> None:
    assert run_of(EVENT) == f"{JOB}/2"
    assert run_of({"Actor": {"Attributes": {"image": "x"}}}) == ""
    assert run_of({"Actor": {"Attributes": {**LABELS, "draas.attempt": "x"}}}) == ""
    assert run_of({"Actor": []}) == ""
    assert run_of({}) == ""
