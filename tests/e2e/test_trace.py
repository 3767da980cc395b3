"""One deployment as one trace, from the block of its event to its first log line, over two processes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.folders import a_script
from tests.e2e.market import QUICK_RULES, TestMarket, start_market
from tests.otlp import Receiver, Span, receiver

BY_SCHEDULER = ("job.posted", "index", "fetch", "build", "place", "offer", "first_log_line.kept")
BY_AGENT = ("check", "pull", "create", "claim", "start", "first_log_line", "complete")
# Each begins after the one before it has; build and fetch are two spans side by side.
ORDER = (
    "job.posted",
    "index",
    "fetch",
    "build",
    "place",
    "check",
    "pull",
    "create",
    "claim",
    "start",
)


@dataclass(frozen=True)
class Traced:
    """A deployment that has ended, and its spans."""

    job_id: str
    spans: list[Span]

    def one(self, name: str) -> Span:
        """The first span of this name."""
        return next(span for span in self.spans if span.name == name)


def deployed(market: TestMarket, folder: Path, collector: Receiver) -> Traced:
    answer = market.consumer().draas("deploy", folder, "--json")
    assert answer.code == 0, answer.err
    job_id = str(answer.event("posted")["job"])
    names = set(BY_SCHEDULER + BY_AGENT)
    market.until(
        "all spans are here", lambda: names <= {span.name for span in collector.of(job_id)}, 30
    )
    return Traced(job_id, collector.of(job_id))


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    root = tmp_path_factory.mktemp("trace")
    with receiver() as collector:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        market = start_market(root / "home", *QUICK_RULES, "--agents", "1", env=env)
        try:
            yield deployed(market, a_script(root / "hello", "echo hello"), collector)
        finally:
            market.stop()


def test_scheduler_and_agent_tell_their_steps(traced: Traced) -> None:
    by = {
        service: {span.name for span in traced.spans if span.service == service}
        for service in ("scheduler", "agent")
    }
    assert set(BY_SCHEDULER) <= by["scheduler"]
    assert set(BY_AGENT) <= by["agent"]


def test_all_of_it_is_one_trace_that_the_job_names(traced: Traced) -> None:
    assert {span.trace_id for span in traced.spans} == {traced.job_id[2:34]}


def test_every_span_hangs_from_the_first(traced: Traced) -> None:
    (root,) = [span for span in traced.spans if not span.parent_id]
    assert (root.name, root.span_id) == ("job.posted", traced.job_id[34:50])
    known = {span.span_id: span for span in traced.spans}
    for span in traced.spans:
        above = span
        while above.parent_id:
            above = known[above.parent_id]
        assert above is root


def test_each_step_begins_after_the_one_before_it(traced: Traced) -> None:
    starts = [traced.one(name).start for name in ORDER]
    assert starts == sorted(starts)


def test_no_span_ends_before_it_starts(traced: Traced) -> None:
    assert all(span.end >= span.start for span in traced.spans)
    assert not [span.name for span in traced.spans if span.end == span.start]


def test_spans_of_a_run_carry_its_attempt(traced: Traced) -> None:
    told = {
        span.attributes.get("draas.attempt") for span in traced.spans if span.service == "agent"
    }
    assert told == {1}


def test_a_span_says_nothing_that_a_stranger_wrote(traced: Traced) -> None:
    keys = {key for span in traced.spans for key in span.attributes}
    assert keys == {"draas.job", "draas.attempt"}
