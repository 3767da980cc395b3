"""The figures of a market at work: they follow Prometheus' rules, and they are true."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.e2e.folders import a_script
from tests.e2e.market import TestMarket
from tests.exposition import faults, parsed

SCHEDULER = {
    "draas_jobs",
    "draas_job_phase",
    "draas_work_due",
    "draas_step_seconds",
    "draas_build_seconds",
    "draas_builds_running",
    "draas_builds_waiting",
    "draas_agents_live",
    "draas_agent_heartbeat_age_seconds",
    "draas_heartbeats",
    "draas_log_lines",
    "draas_log_bytes",
    "draas_events_indexed",
    "draas_reorganisations",
    "draas_node_turns",
    "draas_chain_head_lag_blocks",
    "draas_chain_synced",
    "draas_transactions",
    "draas_transaction_seconds",
    "draas_sender_key_held",
    "draas_http_requests",
    "draas_http_request_seconds",
    "draas_event_loop_lag_seconds",
    "draas_dependency_up",
    "process_resident_memory_bytes",
}
AGENT = {
    "draas_agent_runs",
    "draas_agent_cpu_seconds",
    "draas_agent_link_connected",
    "draas_agent_chain_answers",
    "draas_transactions",
    "draas_event_loop_lag_seconds",
    "process_resident_memory_bytes",
}


def value(text: str, name: str, **labels: str) -> float:
    """The sum of the samples of this name that carry these labels."""
    return sum(
        sample.value
        for family in parsed(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


@pytest.fixture(scope="module")
def told(market: TestMarket, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What scheduler and agent tell after a job has been run to its end."""
    folder = a_script(tmp_path_factory.mktemp("figures") / "work", "echo one; echo two")
    answer = market.consumer().draas("deploy", folder)
    assert answer.code == 0, answer.err
    for path in ("/v1/deployments/0x" + "00" * 32, "/nowhere/at/all"):
        market.get(path)

    def scrape() -> str | None:
        text = market.get("/metrics").text
        return text if value(text, "draas_jobs") and value(text, "draas_agents_live") else None

    agent = market.get("/v1/agents").json()["items"][0]["url"]
    return {
        "scheduler": market.until("the rows are counted", scrape, 30),
        "agent": httpx.get(f"{agent}/metrics", trust_env=False).text,
    }


@pytest.mark.parametrize("part", ["scheduler", "agent"])
def test_names_help_types_and_labels_follow_the_rules(told: dict[str, str], part: str) -> None:
    assert not faults(told[part])


@pytest.mark.parametrize(("part", "names"), [("scheduler", SCHEDULER), ("agent", AGENT)])
def test_everything_promised_is_told(told: dict[str, str], part: str, names: set[str]) -> None:
    assert not names - {family.name for family in parsed(told[part])}


def test_the_scheduler_tells_what_has_happened(told: dict[str, str]) -> None:
    text = told["scheduler"]
    assert value(text, "draas_chain_synced") == 1
    assert value(text, "draas_agents_live") == 1
    assert value(text, "draas_dependency_up") == 5
    assert value(text, "draas_log_lines_total") >= 2
    assert value(text, "draas_events_indexed_total") > 3
    assert value(text, "draas_heartbeats_total") > 0
    assert value(text, "draas_step_seconds_count", step="Assign", outcome="done") >= 1
    assert value(text, "draas_build_seconds_count", outcome="done") >= 1
    assert value(text, "draas_http_requests_total", route="(none)", status="404") >= 1


def test_the_agent_tells_what_it_ran_and_sent(told: dict[str, str]) -> None:
    text = told["agent"]
    assert value(text, "draas_agent_link_connected") == 1
    assert value(text, "draas_transactions_total", label="claimJob", outcome="done") >= 1
    assert value(text, "draas_transactions_total", label="completeJob", outcome="done") >= 1


def test_no_stranger_may_read_the_agents_figures(market: TestMarket) -> None:
    agent = market.get("/v1/agents").json()["items"][0]["url"]
    foreign = {"host": "attacker.example"}
    assert httpx.get(f"{agent}/metrics", headers=foreign, trust_env=False).status_code == 403


def test_logs_are_lines_of_json_that_carry_job_and_run(
    market: TestMarket, told: dict[str, str]
) -> None:
    lines = [
        json.loads(line)
        for name in ("scheduler.log", "agent-1.log")
        for line in (market.home / "logs" / name).read_text().splitlines()
    ]
    assert all({"event", "level", "timestamp"} <= set(line) for line in lines)
    steps = [line for line in lines if line["event"] == "job.step"]
    assert steps
    assert all(line["job"].startswith("0x") for line in steps)
    started = [line for line in lines if line["event"] == "run.started"]
    assert started
    assert all(line["run"] == f"{line['job']}/1" for line in started)
