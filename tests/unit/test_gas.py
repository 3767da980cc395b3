"""The table of gas: what it promises of each step, on the figures of the snapshot."""

from __future__ import annotations

import json

import pytest

from scripts.gas_table import KEYS, LIMITS, SNAPSHOT, Step, log, steps_of, summary, table


def measured() -> dict[str, int]:
    return {name: int(value) for name, value in json.loads(SNAPSHOT.read_text()).items()}


STEPS = {step.name: step for step in steps_of(measured())}


@pytest.mark.parametrize("name", KEYS)
def test_a_step_costs_no_more_than_its_limit_and_no_less_than_its_floor(name: str) -> None:
    assert STEPS[name].floor < STEPS[name].gas <= LIMITS[name]


def test_the_last_line_is_for_programs() -> None:
    told = json.loads(summary(list(STEPS.values())))
    assert list(told) == list(KEYS)
    assert told["post"] == {"gas": STEPS["post"].gas, "floor": STEPS["post"].floor}


def test_a_floor_is_the_sum_of_the_terms_shown_below_it() -> None:
    lines = table([Step("post", 100, {"transaction": 21, "calldata": 4})])
    assert [line.split() for line in lines[1:]] == [
        ["post", "100", "25", "4.000", "110,000"],
        ["transaction", "21"],
        ["calldata", "4"],
    ]


def test_an_event_costs_its_topics_and_its_words() -> None:
    assert log(topics=3, words=1) == 375 + 3 * 375 + 8 * 32
