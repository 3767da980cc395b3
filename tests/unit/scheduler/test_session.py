"""What a session may send, and what is news of its runs."""

from __future__ import annotations

from typing import Any, cast

import pytest

from chain.job import Address
from chain.wire import Hello, ResourcesBody, RunStatus
from scheduler.sessions.session import (
    BAD_MESSAGE,
    BYTES_BURST,
    BYTES_PER_S,
    MESSAGES_PER_S,
    NEWS_MOST,
    OUTPUT_BURST,
    SLOWED_S,
    TOO_MUCH,
    Budget,
    Refusal,
    Session,
    read,
)

ROOM = ResourcesBody(cpu_millis=1, memory_mib=1)


def session() -> Session:
    return Session(Address("0x" + "11" * 20), Hello(capacity=ROOM), cast(Any, None), 0, 0)


def status(job: int, phase: str = "running") -> RunStatus:
    body = {"job_id": f"0x{job:064x}", "attempt": 1, "phase": phase}
    return RunStatus.model_validate(body)


def test_who_sends_at_the_allowed_pace_never_waits() -> None:
    budget = Budget(0.0)
    assert not any(budget.spend(1000, n / MESSAGES_PER_S) for n in range(5000))


def test_who_sends_more_is_slowed_to_the_allowed_pace_and_shown_out_if_it_goes_on() -> None:
    sent: list[float] = []
    with pytest.raises(Refusal) as refusal:
        flood(sent)
    assert refusal.value.code == TOO_MUCH
    assert SLOWED_S < sent[-1] < SLOWED_S + 10
    assert len(sent) / sent[-1] < 2 * MESSAGES_PER_S


def flood(sent: list[float]) -> None:
    """Send as fast as it goes, and note when."""
    budget, now = Budget(0.0), 0.0
    while now < 1000:
        now += budget.spend(100, now)
        sent.append(now)


def test_a_burst_that_ends_is_forgiven() -> None:
    budget, now = Budget(0.0), 0.0
    for _ in range(20):
        for _ in range(100):
            now += budget.spend(100, now)
        now += 10


def test_bytes_count_as_messages_do() -> None:
    budget = Budget(0.0)
    assert budget.spend(int(BYTES_BURST), 0.0) == 0
    assert budget.spend(1024**2, 0.0) == 1024**2 / BYTES_PER_S


def test_new_output_does_not_count_up_to_a_limit_of_its_own() -> None:
    budget, size = Budget(0.0), 256 * 1024
    for _ in range(int(OUTPUT_BURST) // size):
        assert budget.spend(size, 0.0) == 0
        budget.give_back(1, size, 0.0)
    pauses = []
    for _ in range(1000):
        pauses.append(budget.spend(size, 0.0))
        budget.give_back(1, size, 0.0)
    assert pauses[0] == 0
    assert pauses[-1] > 0


def test_only_what_changed_of_a_run_is_news() -> None:
    one = session()
    assert one.note_runs([status(1), status(2)], answered=False)
    one.written = {key: told for key, (told, _) in one.news.items()}
    one.news = {}
    assert not one.note_runs([status(1), status(2)], answered=False)
    assert one.note_runs([status(1), status(2, "stopping")], answered=False)
    assert list(one.news) == [(status(2).job_id, 1)]


def test_an_answer_stays_an_answer_when_a_heartbeat_names_the_run_too() -> None:
    one = session()
    one.note_runs([status(1, "accepted")], answered=True)
    one.note_runs([status(1, "claiming")], answered=False)
    assert list(one.news.values()) == [(status(1, "claiming"), True)]


def test_an_agent_cannot_fill_the_memory_with_runs() -> None:
    one = session()
    for first in range(0, 3 * NEWS_MOST, 100):
        one.note_runs([status(first + n) for n in range(100)], answered=False)
    assert len(one.news) == NEWS_MOST
    one.written = {key: told for key, (told, _) in one.news.items()}
    one.keep_written([status(1)])
    assert len(one.written) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "{}",
        '{"type": "offer"}',
        '{"type": "heartbeat"}',
        '{"type": "renew", "token": "x", "more": 1}',
        '{"type": "log", "runs": [{"job_id": "0x", "attempt": 1, "lines": []}]}',
        '{"type": "hello", "capacity": {"cpu_millis": 1, "memory_mib": 1}, "version": "\\u0000"}',
        '{"type": "hello", "capacity": {"cpu_millis": 1, "memory_mib": 1}, "url": "javascript:1"}',
        '{"type": "hello", "capacity": {"cpu_millis": 1, "memory_mib": 1}, "attributes": {"": "x"}}',
        '{"type": "renew", "token": "\\ud800"}',
        "[" * 100_000,
    ],
)
def test_a_message_that_is_none_of_ours_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as refusal:
        read(text)
    assert refusal.value.code == BAD_MESSAGE
