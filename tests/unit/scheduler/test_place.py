"""The cheapest agent that fits gets the job, and none gets more than it has."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chain.job import Address, Rates, Resources, units_of
from scheduler.place import Candidate, Need, choose, fits, free

DEAR, CHEAP = Rates(9, 9, 9, 9), Rates(2, 2, 2, 2)
NEED = Need(Resources(1000, 256), max_rates=Rates(10, 10, 10, 10), seconds=60)


def an_agent(number: int, **changes: object) -> Candidate:
    values: dict[str, object] = {
        "agent": Address(f"0x{number:040x}"),
        "capacity": Resources(2000, 1024),
        "rates": CHEAP,
        "units_free": 3072,
    }
    return Candidate(**values | changes)  # type: ignore[arg-type]


def test_the_cheapest_wins() -> None:
    choice = choose(NEED, [an_agent(1, rates=DEAR), an_agent(2)])
    assert choice.agent == an_agent(2).agent
    assert choice.fitting == 2


def test_at_the_same_price_the_least_loaded_wins() -> None:
    busy = an_agent(1, reserved=Resources(500, 256))
    assert choose(NEED, [busy, an_agent(2)]).agent == an_agent(2).agent


def test_a_job_that_fits_nobody_is_told_how_many_fail_what() -> None:
    agents = [
        an_agent(1, reserved=Resources(1500, 0)),
        an_agent(2, reserved=Resources(1500, 1000)),
        an_agent(3, rates=Rates(11, 1, 1, 1)),
        an_agent(4, units_free=1255),
        an_agent(5, rates=None),
    ]
    choice = choose(NEED, agents)
    assert choice.agent is None
    assert choice.why_not == {
        "short of CPU": 2,
        "short of memory": 1,
        "above the price limit": 1,
        "short of bonded capacity": 1,
        "not registered": 1,
    }
    assert "none of 5 live agents fits" in choice.why


def test_nobody_connected_is_said_so() -> None:
    assert choose(NEED, []).why == "no agent is connected"


sizes = st.builds(Resources, st.integers(0, 3000), st.integers(0, 2000), st.integers(0, 10))


@given(st.lists(st.tuples(sizes, sizes, st.integers(0, 5000)), max_size=6), sizes)
def test_nobody_is_given_more_than_is_free(
    agents: list[tuple[Resources, Resources, int]], asked: Resources
) -> None:
    candidates = [
        an_agent(i, capacity=c, reserved=r, units_free=u) for i, (c, r, u) in enumerate(agents)
    ]
    need = Need(asked, Rates(10, 10, 10, 10), 60)
    choice = choose(need, candidates)
    if choice.agent is None:
        assert all(fits(need, candidate) for candidate in candidates)
        return
    chosen = next(item for item in candidates if item.agent == choice.agent)
    assert units_of(asked) <= chosen.units_free
    room = free(chosen)
    assert asked.cpu_millis <= room.cpu_millis
    assert asked.memory_mib <= room.memory_mib
    assert asked.egress_kib_s <= room.egress_kib_s
