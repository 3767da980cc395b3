"""Which run answers, and what is told when none does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from chain.errors import DraasError, NotFound, Unavailable
from chain.job import JobState
from chain.manifest import Manifest
from chain.wire import RunStatus
from scheduler.ingress.routes import route_of
from scheduler.rows.states import Moment

JOB = "0x" + "1" * 64
SERVICE = Manifest.model_validate(
    {"kind": "service", "ports": [8080, 9090], "resources": {"egress": "1M"}}
)
RUNNING = RunStatus(job_id=JOB, attempt=2, phase="running", ready=True)
AT = Moment(100, cast(Any, None))


def a_row(**changes: Any) -> Any:
    row = {
        "job_id": JOB,
        "state": JobState.RUNNING,
        "deadline": 1000,
        "deposit": 5,
        "settled": False,
        "attempt": 2,
        "why": "",
        "provider": "0xA",
        "status": RUNNING,
        "manifest": SERVICE,
    }
    return SimpleNamespace(**row | changes)


def test_the_present_run_answers() -> None:
    found = route_of(a_row(), AT, None)
    assert (found.attempt, found.agent, found.port) == (2, "0xA", 8080)
    assert route_of(a_row(), AT, 9090).port == 9090


def told(**changes: Any) -> RunStatus:
    return RUNNING.model_copy(update=changes)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"state": JobState.ENDED}, NotFound, "over"),
        ({"state": JobState.CLOSED}, NotFound, "over"),
        ({"deadline": 100}, NotFound, "over"),
        ({"manifest": Manifest()}, NotFound, "no service"),
        ({"state": JobState.OPEN, "why": "it is being built"}, Unavailable, "being built"),
        ({"status": None}, Unavailable, "about to start"),
        ({"status": told(phase="pulling", why="the image is large")}, Unavailable, "large"),
        ({"status": told(ready=False)}, Unavailable, "does not listen"),
        ({"status": told(health="starting")}, Unavailable, "starting"),
        ({"status": told(health="unhealthy", why="GET / gave 500")}, Unavailable, "gave 500"),
        ({"manifest": None}, Unavailable, "manifest"),
    ],
)
def test_why_nobody_answers_is_told(
    changes: dict[str, Any], error: type[DraasError], words: str
) -> None:
    with pytest.raises(error, match=words):
        route_of(a_row(**changes), AT, None)


def test_a_port_that_was_not_named_is_not_reached() -> None:
    with pytest.raises(NotFound, match="8080, 9090"):
        route_of(a_row(), AT, 22)
