import pytest

from cli.audit import Step, agrees
from cli.demo import Times, _note, gas_by_step


def test_gas_of_a_transaction_with_two_events_is_counted_once_and_for_the_later() -> None:
    steps = [
        Step("UsageReported", "0xa", 50, 1),
        Step("UsageReported", "0xb", 80, 2),
        Step("JobCompleted", "0xb", 80, 2),
    ]
    gas = gas_by_step(steps)
    assert (gas["metered"], gas["completed"], gas["withdrawn"]) == (50, 80, 0)


@pytest.mark.parametrize(
    ("metered", "holds"), [(6000, True), (6060, True), (5940, True), (6061, False), (5939, False)]
)
def test_metered_cpu_may_differ_by_one_percent_and_no_more(metered: int, holds: bool) -> None:
    assert agrees(metered, 6000) is holds


def test_a_phase_that_went_by_unseen_still_ends_the_steps_before_it() -> None:
    times, states = Times(), ["Absent"]
    for state, phase in (("Open", "building"), ("Running", "running"), ("Ended", "ended")):
        _note(state, phase, states, times)
    assert states == ["Absent", "Open", "Running", "Ended"]
    assert list(times.seconds) == ["build", "claim", "run"]
