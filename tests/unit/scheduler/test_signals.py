"""Hints wake whoever listens, here and elsewhere, and what is heard from elsewhere goes no further."""

from __future__ import annotations

import asyncio

import pytest

from chain.job import JobId
from scheduler.notices import MAX_BYTES, payloads
from scheduler.signals import AGENTS, ANY, EVERYTHING, JOBS, TOUCHED, Signals

JOB = JobId("0x" + "01" * 32)


def test_a_name_wakes_its_listeners_and_those_of_any() -> None:
    signals = Signals()
    with (
        signals.listen("work") as work,
        signals.listen("agents") as agents,
        signals.listen(ANY) as anything,
    ):
        signals.notify("work")
        assert (work.is_set(), agents.is_set(), anything.is_set()) == (True, False, True)


def test_everything_wakes_all() -> None:
    signals = Signals()
    with signals.listen("work") as work, signals.listen(f"jobs/{JOB}") as job:
        signals.hear([EVERYTHING])
        assert work.is_set()
        assert job.is_set()


def test_what_is_said_here_is_carried_and_what_is_heard_is_not() -> None:
    signals, carried = Signals(), list[str]()
    signals.carry = carried.extend
    signals.hear(["agents"])
    signals.notify("work", "offers")
    assert carried == ["work", "offers"]


async def test_jobs_that_the_chain_changed_are_known_in_every_copy() -> None:
    here, there = Signals(), Signals()
    here.carry = there.hear
    with (
        here.gather(TOUCHED) as ours,
        there.gather(TOUCHED) as theirs,
        there.listen(f"{JOBS}{JOB}") as job,
    ):
        here.touched([JOB])
        assert job.is_set()
        assert await ours.take() == await theirs.take() == {f"{TOUCHED}{JOB}"}


async def test_what_is_gathered_is_of_the_kinds_that_were_asked_for_and_taken_once() -> None:
    signals = Signals()
    with signals.gather(AGENTS, JOBS) as names:
        signals.notify("work", AGENTS, f"{JOBS}{JOB}", f"{TOUCHED}{JOB}", AGENTS)
        assert await names.take() == {AGENTS, f"{JOBS}{JOB}"}
        signals.hear([EVERYTHING])
        assert await names.take() == {EVERYTHING}
        signals.notify("work")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(names.take(), 0.01)


def test_notices_fit_into_messages_and_none_is_lost() -> None:
    names = [f"jobs/0x{number:064x}" for number in range(500)]
    messages = list(payloads("copy:1:abcd", names))
    assert max(map(len, messages)) <= MAX_BYTES
    assert 4 < len(messages) < 8
    parts = [message.split(" ") for message in messages]
    assert {part[0] for part in parts} == {"copy:1:abcd"}
    assert [name for part in parts for name in part[1:]] == names
    assert list(payloads("me", [])) == []
