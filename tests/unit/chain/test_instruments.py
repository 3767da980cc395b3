"""What a part times is counted by how it ended."""

from __future__ import annotations

from contextlib import suppress

import pytest

from chain.errors import Conflict, DraasError, Reverted, Unavailable
from chain.instruments import counter, histogram, timed


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "done"),
        (Reverted("NotOpen"), "reverted"),
        (Conflict("Another was faster."), "overtaken"),
        (Unavailable("Silence."), "postponed"),
        (ZeroDivisionError(), "failed"),
    ],
)
def test_the_outcome_is_a_word_of_few(error: Exception | None, outcome: str) -> None:
    seconds = histogram("draas_act_seconds", "Time of an act.", ("act", "outcome"))
    total = counter("draas_acts_total", "Acts.", ("act", "outcome"))
    with suppress(DraasError, ZeroDivisionError), timed(seconds, "claim", count=total):
        if error is not None:
            raise error
    told = {
        (sample.name, sample.labels.get("outcome")): sample.value
        for one in (seconds, total)
        for family in one.collect()
        for sample in family.samples
    }
    assert told["draas_act_seconds_count", outcome] == 1
    assert told["draas_acts_total", outcome] == 1
