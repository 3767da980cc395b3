"""From samples to totals, and from totals to a ledger that binds its agent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from agent.meter.cgroup import Counters
from agent.meter.meter import Meter, Sample, Seal, add_sample
from chain.evidence import statement_of
from chain.job import Cid, Digest
from chain.ledger import StartLine, Totals, read_entries
from chain.ledger_check import check_ledger
from chain.messages import UsageStatement, is_signed_by, sign_statement
from tests.unit.chain.ledgers import AGENT, DOMAIN, JOB, RUN

START = 1_000_000
MIB = 2**20
UP = 50_000  # of the kernel's clock at the start
NONCE = "0x" + "5e" * 32


def sample(
    at: int, cpu: int, memory: int = 0, peak: int = 0, ended: bool = False, egress: int = 0
) -> Sample:
    counters = Counters(cpu, memory, peak, 0, group=7)
    return Sample(START + at, START, ended, counters, egress, 3, UP + at, "boot-1", "c1")


def begun_again(one: Sample, at: int) -> Sample:
    """The same of a container that was started again then."""
    return replace(one, started_ms=START + at)


def test_cpu_is_the_kernels_counter_whenever_it_is_read() -> None:
    totals = add_sample(Totals(), sample(10, 500))
    totals = add_sample(totals, sample(60_000, 9_000))
    assert totals.cpu_ns == 9_000


def test_a_counter_that_fell_counts_on() -> None:
    totals = add_sample(Totals(), sample(10, 500, egress=100))
    totals = add_sample(totals, sample(20, 30, egress=40))
    assert (totals.cpu_ns, totals.egress_bytes) == (530, 140)


def test_a_group_or_bridge_that_was_made_again_counts_from_nothing_even_when_it_is_ahead() -> None:
    totals = add_sample(Totals(), sample(10, 500, egress=100))
    anew = sample(20, 600, egress=140)
    assert anew.counters is not None
    anew = replace(anew, counters=replace(anew.counters, group=8), egress_from=4)
    totals = add_sample(totals, anew)
    assert (totals.cpu_ns, totals.egress_bytes) == (1100, 240)


def test_after_the_machine_started_again_counters_begin_anew_and_the_gap_costs_nothing() -> None:
    before = add_sample(Totals(), sample(10_000, 500, memory=MIB, egress=100))
    found_dead = replace(sample(90_000, 600, ended=True, egress=140), boot="boot-2", mono_ms=99)
    after = add_sample(before, found_dead)
    assert (after.wall_ms, after.memory_byte_ms) == (before.wall_ms, before.memory_byte_ms)
    assert (after.cpu_ns, after.egress_bytes) == (1100, 240)
    again = begun_again(replace(sample(97_000, 700), boot="boot-2", mono_ms=7099), 95_000)
    assert add_sample(after, again).wall_ms == before.wall_ms + 2000


def test_running_time_is_that_of_all_starts_without_the_pauses_between() -> None:
    totals = add_sample(Totals(), sample(1000, 1))
    totals = add_sample(totals, sample(3000, 2, ended=True))
    totals = add_sample(totals, replace(sample(3000, 2, ended=True), mono_ms=UP + 8000))
    assert totals.wall_ms == 3000
    totals = add_sample(totals, begun_again(sample(11_000, 3), 10_000))
    totals = add_sample(totals, begun_again(sample(14_000, 4, ended=True), 10_000))
    assert (totals.wall_ms, totals.cpu_ns) == (7000, 4)


def test_a_clock_that_is_set_costs_nobody_anything() -> None:
    totals = add_sample(Totals(), sample(1000, 1))
    ahead = replace(sample(2000, 2), at_ms=START + 3_602_000)
    totals = add_sample(totals, ahead)
    assert totals.wall_ms == 2000
    totals = add_sample(totals, sample(3000, 3))  # set back
    assert totals.wall_ms == 3000
    ended = replace(sample(4000, 4, ended=True), mono_ms=UP + 4500)
    assert add_sample(totals, ended).wall_ms <= 4600


def test_memory_is_the_mean_of_two_samples_over_the_time_between() -> None:
    totals = add_sample(Totals(), sample(1000, 0, memory=10 * MIB))
    totals = add_sample(totals, sample(2000, 0, memory=20 * MIB))
    assert totals.memory_byte_ms == (10 + 15) * MIB * 1000


def test_memory_over_a_gap_is_the_lower_of_its_ends() -> None:
    totals = add_sample(Totals(), sample(0, 0, memory=50 * MIB))
    totals = add_sample(totals, sample(60_000, 0, memory=10 * MIB))
    assert totals.memory_byte_ms == 10 * MIB * 60_000


def test_memory_over_a_pause_between_two_starts_is_nothing() -> None:
    totals = add_sample(Totals(), sample(1000, 0, memory=10 * MIB))
    totals = add_sample(totals, sample(2000, 0, ended=True))
    so_far = totals.memory_byte_ms
    totals = add_sample(totals, begun_again(sample(91_000, 0, memory=10 * MIB), 90_000))
    assert totals.memory_byte_ms == so_far + 10 * MIB * 1000


def test_a_container_that_ended_unseen_is_metered_by_its_peak_and_a_later_start_by_nothing() -> (
    None
):
    totals = add_sample(Totals(), sample(200, 7, peak=30 * MIB, ended=True))
    assert totals.memory_byte_ms == 30 * MIB * 200
    assert (totals.cpu_ns, totals.wall_ms) == (7, 200)
    later = begun_again(sample(900, 9, peak=30 * MIB, ended=True), 800)
    assert add_sample(totals, later).memory_byte_ms == totals.memory_byte_ms


def test_what_could_not_be_read_keeps_its_last_value() -> None:
    totals = add_sample(Totals(), sample(1000, 500, memory=MIB, egress=9))
    gone = replace(sample(2000, 0, ended=True), counters=None, egress_bytes=None)
    blind = add_sample(totals, gone)
    assert (blind.cpu_ns, blind.egress_bytes, blind.wall_ms) == (500, 9, 2000)
    assert blind.memory_byte_ms == totals.memory_byte_ms + MIB * 1000


counters = st.builds(
    Counters,
    st.integers(0, 10**12),
    st.integers(0, 10**10),
    st.integers(0, 10**10),
    st.just(0),
    st.integers(1, 2),
)
samples = st.builds(
    Sample,
    st.integers(START - 5000, START + 100_000),
    st.sampled_from([START, START + 40_000]),
    st.booleans(),
    st.one_of(st.none(), counters),
    st.one_of(st.none(), st.integers(0, 10**10)),
    st.integers(0, 2),
    st.integers(0, 100_000),
    st.sampled_from(["boot-1", "boot-2"]),
)


@given(st.lists(samples, max_size=20))
def test_no_total_ever_falls_whatever_clocks_and_counters_do(seen: list[Sample]) -> None:
    totals = Totals()
    for one in seen:
        after = add_sample(totals, one)
        assert not after.falls_below(totals)
        totals = after


# ---- the ledger of a run ---------------------------------------------------------------------------------------------


def a_meter(folder: Path) -> Meter:
    seal = Seal(RUN, lambda told: sign_statement(AGENT, DOMAIN, told))
    return Meter(folder / "usage.jsonl", seal)


async def test_a_ledger_names_its_run_and_each_start_and_every_report_in_it_is_signed(
    tmp_path: Path,
) -> None:
    meter = a_meter(tmp_path)
    meter.bind(Digest("sha256:" + "cd" * 32))
    await meter.add(sample(1000, 10**9))
    assert (await meter.report()).cpu_ms == 1000
    await meter.add(sample(2000, 2 * 10**9, ended=True))
    await meter.add(begun_again(sample(9000, 3 * 10**9), 8000))
    assert await meter.report() == meter.usage
    head = meter.head
    assert await meter.report() == meter.usage
    assert meter.head == head  # nothing new, nothing more to sign
    meter.close()
    data = (tmp_path / "usage.jsonl").read_bytes()
    checked = check_ledger(data)
    assert checked.faults == ()
    assert checked.run == replace(RUN, image="sha256:" + "cd" * 32)
    assert (checked.starts, len(checked.reports), checked.reported) == (2, 2, meter.usage)
    starts = [entry.line for entry in read_entries(data) if isinstance(entry.line, StartLine)]
    assert starts == [StartLine("c1", START), StartLine("c1", START + 8000)]


async def test_a_meter_that_is_opened_again_goes_on_without_a_second_beginning(
    tmp_path: Path,
) -> None:
    first = a_meter(tmp_path)
    await first.add(sample(1000, 10**9))
    await first.report()
    first.close()
    second = a_meter(tmp_path)
    assert second.usage == first.usage
    await second.add(sample(2000, 2 * 10**9, ended=True))
    await second.report()
    second.close()
    checked = check_ledger((tmp_path / "usage.jsonl").read_bytes())
    assert (checked.faults, checked.starts, len(checked.reports)) == ((), 1, 2)


async def test_an_answer_to_a_probe_is_signed_for_that_probe_and_stands_in_the_ledger(
    tmp_path: Path,
) -> None:
    meter = a_meter(tmp_path)
    assert await meter.state(NONCE) is None  # nothing has begun
    await meter.add(sample(1000, 10**9))
    told = await meter.state(NONCE)
    assert told is not None
    statement = statement_of(JOB, 1, NONCE, told)
    assert is_signed_by(AGENT.address, DOMAIN, statement, told.signature)
    other: UsageStatement = statement_of(JOB, 1, "0x" + "00" * 32, told)
    assert not is_signed_by(AGENT.address, DOMAIN, other, told.signature)
    await meter.add(sample(7000, 2 * 10**9))
    await meter.report()
    meter.close()
    checked = check_ledger((tmp_path / "usage.jsonl").read_bytes())
    assert checked.against([statement], meter.usage) == []


async def test_a_ledger_is_published_as_it_stands_and_again_when_it_has_grown(
    tmp_path: Path,
) -> None:
    kept: list[bytes] = []

    async def keep(data: bytes) -> Cid:
        kept.append(data)
        return Cid(f"cid-{len(kept)}")

    meter = a_meter(tmp_path)
    assert meter.is_published  # there is nothing yet
    await meter.add(sample(1000, 10**9))
    await meter.report()
    assert not meter.is_published
    assert await meter.publish(keep) == meter.evidence == "cid-1"
    assert meter.is_published
    again = a_meter(tmp_path)
    assert (again.evidence, again.is_published) == ("cid-1", True)
    await again.add(sample(2000, 2 * 10**9, ended=True))
    assert not again.is_published
    await again.publish(keep)
    assert kept[1].startswith(kept[0])
    assert kept[1] == (tmp_path / "usage.jsonl").read_bytes()


async def test_a_long_runs_samples_are_written_less_often(tmp_path: Path) -> None:
    meter = a_meter(tmp_path)
    day = 86_400_000
    await meter.add(sample(30 * day, 10**9))
    before = meter.head
    await meter.add(sample(30 * day + 60_000, 2 * 10**9))
    assert meter.head == before
    await meter.add(sample(30 * day + day, 3 * 10**9))
    assert meter.head != before
