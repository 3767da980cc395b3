"""What runs have used by and by: it thins, it never falls, and no agent's takes the room of the others'."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from chain.job import Address
from chain.link_messages import Metered, MeteredRun, Metering
from chain.wire import UsageBody, Wire
from scheduler.sessions.trails import (
    LAST_MS,
    POINTS_MOST,
    RUNS_EACH,
    RUNS_MOST,
    WATCH_S,
    Point,
    Trail,
    Trails,
)
from scheduler.signals import Signals

AGENT, OTHER = Address("0x" + "11" * 20), Address("0x" + "22" * 20)
JOB = "0x" + "ab" * 32


def second(number: int) -> Point:
    return Point(1000 * number, 900 * number, 60 * number, 60, number, 1000 * number)


def told(number: int, job_id: str = JOB) -> Metered:
    at = second(number)
    usage = UsageBody(
        cpu_ms=at.cpu_ms, memory_mib_s=at.memory_mib_s, egress_kib=at.egress_kib, wall_s=number
    )
    one = MeteredRun(
        job_id=job_id,
        attempt=1,
        at_ms=at.at_ms,
        usage=usage,
        wall_ms=at.wall_ms,
        memory_mib=at.memory_mib,
    )
    return Metered(runs=[one])


def a_trails(sent: list[Any]) -> Trails:
    def send(agent: Address, message: Wire) -> bool:
        sent.append((agent, message))
        return True

    return Trails(Signals(), send)


def test_every_second_of_a_short_run_is_kept() -> None:
    trail = Trail()
    points = [second(number) for number in range(1, 100)]
    assert all(trail.add(point) for point in points)
    assert list(trail.after(0)) == points
    assert list(trail.after(50_000)) == points[50:]
    assert list(trail.after(99_000)) == []


def test_a_long_run_keeps_its_beginning_its_end_and_an_even_part_of_the_rest() -> None:
    trail, seconds = Trail(), 100_000
    for number in range(1, seconds + 1):
        trail.add(second(number))
    kept = list(trail.after(0))
    assert POINTS_MOST // 2 <= len(kept) <= POINTS_MOST + 1
    assert (kept[0], kept[-1]) == (second(1), second(seconds))
    gaps = {later.at_ms - one.at_ms for one, later in pairwise(kept[:-1])}
    assert max(gaps) <= 2 * min(gaps)


def test_totals_never_fall_and_what_says_nothing_new_is_no_news() -> None:
    trail = Trail()
    assert trail.add(second(5))
    assert not trail.add(second(5))
    assert not trail.add(second(4))
    assert not trail.add(Point(9000, *[getattr(second(5), n) for n in Point.__slots__[1:]]))
    assert trail.add(Point(9000, 0, 0, 10, 0, 6000))
    assert trail.last == Point(9000, second(5).cpu_ms, second(5).memory_mib_s, 10, 5, 6000)


def test_an_agents_clock_that_is_set_back_loses_no_point() -> None:
    trail = Trail()
    assert trail.add(second(5))
    for number in (6, 8):
        assert trail.add(replace(second(number), at_ms=number))
    assert list(trail.after(0)) == [second(5), second(6), second(8)]
    assert trail.add(second(20))
    assert trail.add(replace(second(21), at_ms=LAST_MS))
    trail.add(second(22))
    assert trail.last.at_ms == LAST_MS


def test_nobody_tells_anothers_run() -> None:
    trails = a_trails([])
    trails.metered(AGENT, told(3))
    trails.metered(OTHER, told(9))
    mine = trails.of(AGENT, (JOB, 1))
    assert mine is not None
    assert mine.last == second(3)


def test_an_agent_with_very_many_runs_takes_no_other_agents_room() -> None:
    trails = a_trails([])
    trails.metered(AGENT, told(1))
    agents = [Address(f"0x{number:040x}") for number in range(RUNS_MOST // RUNS_EACH + 1)]
    for agent in agents:
        for number in range(RUNS_EACH + 5):
            trails.metered(agent, told(1, f"0x{number:064x}"))
    assert trails.of(AGENT, (JOB, 1)) is not None
    runs = [(f"0x{number:064x}", 1) for number in range(RUNS_EACH + 5)]
    held = [sum(trails.of(agent, run) is not None for run in runs) for agent in agents]
    assert max(held) <= RUNS_EACH
    assert sum(held) < RUNS_MOST
    assert trails.of(agents[0], runs[0]) is None


def test_an_agent_is_asked_once_however_many_watch() -> None:
    sent: list[Any] = []
    trails = a_trails(sent)
    for _ in range(50):
        trails.watch(AGENT, (JOB, 1))
    assert sent == [(AGENT, Metering(runs=[f"{JOB}/1"], for_s=WATCH_S))]
