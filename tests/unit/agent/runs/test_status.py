"""Where a run stands, as the scheduler is told of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from agent.runs.status import status_of
from chain.job import Usage
from chain.ledger import Totals

RECORD = SimpleNamespace(
    job_id="0x" + "1" * 64,
    attempt=1,
    exit=None,
    refused="",
    settled_why="",
    starts=SimpleNamespace(count=0),
    runtime="runc",
    outcome=None,
)


@pytest.mark.parametrize(
    ("answers", "phase", "health", "ready"),
    [
        (True, "running", "", True),
        (True, "running", "healthy", True),
        (False, "running", "healthy", False),
        (True, "running", "starting", False),
        (True, "running", "unhealthy", False),
        (True, "stopping", "healthy", False),
    ],
)
def test_a_service_is_ready_when_its_port_answers_and_its_health_check_says_nothing_else(
    answers: bool, phase: Any, health: str, ready: bool
) -> None:
    kept = SimpleNamespace(
        meter=SimpleNamespace(
            evidence="", usage=Usage(0, 0, 0, 0), head="", totals=Totals(memory_bytes=3 * 1024**2)
        ),
        spool=SimpleNamespace(length=0),
        health=health,
        ill_why="",
        ready=answers,
    )
    status = status_of(cast(Any, RECORD), phase, cast(Any, kept), "")
    assert status.ready is ready
    assert status.memory_mib == 3
