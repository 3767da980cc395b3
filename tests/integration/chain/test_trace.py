"""Spans as a collector gets them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from chain.errors import Unavailable
from chain.job import JobId
from chain.log_setup import working_on
from chain.trace import mark, posted, set_up_tracing, span, traced
from tests.otlp import Receiver, receiver

JOB, OTHER = JobId("0x" + "a1" * 32), JobId("0x" + "b2" * 32)


@pytest.fixture
def collector() -> Iterator[Receiver]:
    with receiver() as one:
        yield one


def traced_by(collector: Receiver, service: str) -> Iterator[None]:
    end = set_up_tracing({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}, service)
    yield
    end()


@pytest.fixture
def scheduler(collector: Receiver) -> Iterator[None]:
    yield from traced_by(collector, "scheduler")


def spans(collector: Receiver, count: int) -> Receiver:
    """Once so many have come."""
    ends = time.monotonic() + 20
    while len(collector.spans) < count and time.monotonic() < ends:
        time.sleep(0.05)
    assert len(collector.spans) == count
    return collector


def test_without_an_endpoint_nothing_is_recorded_or_kept(collector: Receiver) -> None:
    end = set_up_tracing({}, "scheduler")
    with working_on(JOB, 1), span("build"):
        mark("offer", JOB, 1, 0)
    posted(JOB, int(time.time()), time.time_ns())
    end()
    assert not collector.spans


def test_two_processes_add_to_one_trace_without_a_word_between_them(collector: Receiver) -> None:
    for service in ("scheduler", "agent"):
        end = set_up_tracing({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}, service)
        if service == "scheduler":
            posted(JOB, int(time.time()), time.time_ns())
        with working_on(JOB, 1), span(f"{service} works"):
            pass
        end()
    found = spans(collector, 4).spans
    assert {one.trace_id for one in found} == {JOB[2:34]}
    root = next(one for one in found if one.name == "job.posted")
    assert {one.parent_id for one in found if one is not root} == {root.span_id}
    assert {one.service for one in found} == {"scheduler", "agent"}


@pytest.mark.usefixtures("scheduler")
async def test_a_try_that_failed_is_marked_and_the_next_links_to_it(collector: Receiver) -> None:
    tries = iter((Unavailable("Silence, and a secret."), None))

    @traced("fetch")
    async def fetch() -> None:
        if (error := next(tries)) is not None:
            raise error

    with working_on(JOB, 1):
        with pytest.raises(Unavailable):
            await fetch()
        await fetch()
    with working_on(OTHER, 1), span("fetch"):
        pass
    first, second, other = spans(collector, 3).spans
    assert (first.failed, first.links) == (True, ())
    assert (second.failed, second.links) == (False, (first.span_id,))
    assert other.links == ()


@pytest.mark.usefixtures("scheduler")
def test_a_span_inside_another_hangs_from_it_only_when_it_is_of_the_same_job(
    collector: Receiver,
) -> None:
    with working_on(JOB, 1), span("build"):
        with span("fetch"):
            pass
        with working_on(OTHER, 1), span("fetch"):
            pass
    by = {(one.name, one.attributes["draas.job"]): one for one in spans(collector, 3).spans}
    assert by["fetch", JOB].parent_id == by["build", JOB].span_id
    assert by["fetch", OTHER].parent_id == OTHER[34:50]


@pytest.mark.usefixtures("scheduler")
def test_what_is_about_no_job_is_no_span(collector: Receiver) -> None:
    with span("nothing"), working_on(JOB, 2), span("something"):
        pass
    (one,) = spans(collector, 1).spans
    assert (one.name, one.attributes["draas.attempt"]) == ("something", 2)


@pytest.mark.usefixtures("scheduler")
def test_history_that_is_read_again_begins_no_trace(collector: Receiver) -> None:
    now = time.time_ns()
    posted(OTHER, int(time.time()) - 7 * 86400, now)
    posted(JOB, int(time.time()), now)
    assert {one.attributes["draas.job"] for one in spans(collector, 2).spans} == {JOB}
