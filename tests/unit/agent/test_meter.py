"""From samples to totals."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.cgroup import Counters
from agent.ledger import Totals
from agent.meter import Sample, add_sample

START = 1_000_000
MIB = 2**20


def sample(
    at: int, cpu: int, memory: int = 0, peak: int = 0, ended: bool = False, egress: int = 0
) -> Sample:
    return Sample(START + at, START, ended, Counters(cpu, memory, peak, 0), egress)


def test_cpu_is_the_kernels_counter_whenever_it_is_read() -> None:
    totals = add_sample(Totals(), sample(10, 500))
    totals = add_sample(totals, sample(60_000, 9_000))
    assert totals.cpu_ns == 9_000


def test_a_counter_that_was_made_anew_counts_on() -> None:
    totals = add_sample(Totals(), sample(10, 500, egress=100))
    totals = add_sample(totals, sample(20, 30, egress=40))
    assert (totals.cpu_ns, totals.egress_bytes) == (530, 140)


def test_memory_is_the_mean_of_two_samples_over_the_time_between() -> None:
    totals = add_sample(Totals(), sample(1000, 0, memory=10 * MIB))
    totals = add_sample(totals, sample(2000, 0, memory=20 * MIB))
    assert totals.memory_byte_ms == (10 + 15) * MIB * 1000


def test_memory_over_a_gap_is_the_lower_of_its_ends() -> None:
    totals = add_sample(Totals(), sample(0, 0, memory=50 * MIB))
    totals = add_sample(totals, sample(60_000, 0, memory=10 * MIB))
    assert totals.memory_byte_ms == 10 * MIB * 60_000


def test_a_container_that_ended_unseen_is_metered_by_its_peak() -> None:
    totals = add_sample(Totals(), sample(200, 7, peak=30 * MIB, ended=True))
    assert totals.memory_byte_ms == 30 * MIB * 200
    assert (totals.cpu_ns, totals.wall_ms) == (7, 200)


def test_what_could_not_be_read_keeps_its_last_value() -> None:
    totals = add_sample(Totals(), sample(1000, 500, memory=MIB, egress=9))
    blind = add_sample(totals, Sample(START + 2000, START, True, None, None))
    assert (blind.cpu_ns, blind.egress_bytes, blind.wall_ms) == (500, 9, 2000)
    assert blind.memory_byte_ms == totals.memory_byte_ms + MIB * 1000


samples = st.builds(
    Sample,
    st.integers(START - 5000, START + 100_000),
    st.just(START),
    st.booleans(),
    st.one_of(
        st.none(),
        st.builds(
            Counters,
            st.integers(0, 10**12),
            st.integers(0, 10**10),
            st.integers(0, 10**10),
            st.just(0),
        ),
    ),
    st.one_of(st.none(), st.integers(0, 10**10)),
)


@given(st.lists(samples, max_size=20))
def test_no_total_ever_falls_whatever_clocks_and_counters_do(seen: list[Sample]) -> None:
    totals = Totals()
    for one in seen:
        after = add_sample(totals, one)
        assert after.cpu_ns >= totals.cpu_ns
        assert after.memory_byte_ms >= totals.memory_byte_ms
        assert after.egress_bytes >= totals.egress_bytes
        assert after.wall_ms >= totals.wall_ms
        totals = after
