"""An agent that falls silent loses the job to another, its container ends first, and it keeps what it earned."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from tests.e2e.checks import owed, process_of, released, runs_of
from tests.e2e.folders import a_script
from tests.e2e.market import TestMarket

TICKS = "i=0; while true; do echo tick $i; i=$((i+1)); sleep 0.5; done"


def test_a_silent_agents_job_goes_on_elsewhere_and_never_twice_at_once(
    pair: TestMarket, tmp_path: Path
) -> None:
    market, consumer = pair, pair.consumer()
    folder = a_script(tmp_path / "ticks", TICKS, duration="5m")
    job = consumer.draas("deploy", folder, "-d", "--json").event("posted")["job"]
    market.until("it reports", lambda: "UsageReported" in market.names(job))
    first = market.get(f"/v1/deployments/{job}").json()["runs"][0]["provider"]
    silent = process_of(market, first)
    assert runs_of(job) == ["1"]
    silent.send_signal(signal.SIGSTOP)
    try:
        attempts: list[list[str]] = []

        def claimed_again() -> bool:
            attempts.append(runs_of(job))
            return market.names(job).count("JobClaimed") == 2

        market.until("another agent has claimed it", claimed_again)
        market.until("it runs there", lambda: runs_of(job) == ["2"])
    finally:
        silent.send_signal(signal.SIGCONT)
    assert all(len(running) <= 1 for running in attempts)

    # The agent acts on the claim's block itself; the scheduler's rows may follow a moment later.
    def told_of_both() -> dict[str, Any] | None:
        told: dict[str, Any] = market.get(f"/v1/deployments/{job}").json()
        return told if [run["attempt"] for run in told["runs"]] == [1, 2] else None

    told = market.until("the scheduler tells of both runs", told_of_both)
    assert told["runs"][1]["provider"] != first
    assert told["state"] == market.state(job) == "Running"
    market.until(
        "both runs are in one log", lambda: consumer.draas("logs", job).out.count("tick 0") == 2
    )

    cancelled = consumer.draas("cancel", job, "--json")
    assert cancelled.code == 0, cancelled.err
    amounts = [owed(market, job, attempt) for attempt in (1, 2)]
    assert all(amounts)
    moved = market.until(
        "both providers have their pay",
        lambda: market.moved(job) if released(market.moved(job)) == sum(amounts) else None,
    )
    assert moved["JobPosted"] == released(moved) + moved["Refunded"]
    market.until("it is closed", lambda: market.state(job) == "Closed")
