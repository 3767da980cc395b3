"""What operators and other programs look at: health, figures, the dashboard, the API's own description."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.folders import a_program, a_script
from tests.e2e.market import TestMarket
from tests.e2e.signin import session_of


def test_a_market_that_is_up_says_so(market: TestMarket) -> None:
    assert market.get("/healthz").json()["status"] == "ok"
    ready = market.get("/readyz").json()
    assert (ready["status"], ready["degraded"]) == ("ready", [])
    market.until(
        "the agent is counted", lambda: "draas_agents_live 1.0" in market.get("/metrics").text, 20
    )
    assert "draas_chain_synced 1.0" in market.get("/metrics").text


def test_an_agent_shows_its_machine_and_when_it_was_seen(market: TestMarket) -> None:
    (agent,) = market.get("/v1/agents").json()["items"]
    assert agent["live"]
    assert agent["capacity"]["cpu_millis"] == 2000
    assert agent["capacity"]["memory_mib"] == 2048
    assert agent["memory_used_mib"] > 0
    assert 0 <= agent["cpu_percent"] <= 100
    first = agent["last_seen_ms"]
    market.until(
        "it is seen again",
        lambda: market.get("/v1/agents").json()["items"][0]["last_seen_ms"] > first,
        10,
    )


def test_the_dashboard_needs_nothing_from_elsewhere(market: TestMarket) -> None:
    page = market.get("/dashboard")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for path in ("/dashboard/dashboard.js", "/dashboard/dashboard.css"):
        assert path in page.text
        assert market.get(path).status_code == 200
    assert "innerHTML" not in market.get("/dashboard/dashboard.js").text


def test_the_api_describes_itself(market: TestMarket) -> None:
    described = market.get("/openapi.json").json()["paths"]
    assert {
        "/v1/bundles",
        "/v1/deployments",
        "/v1/deployments/{job_id}",
        "/v1/deployments/{job_id}/logs",
        "/v1/deployments/{job_id}/events",
        "/v1/deployments/{job_id}/cancel",
        "/v1/session",
        "/v1/overview",
        "/v1/agents",
        "/v1/market",
        "/healthz",
        "/readyz",
        "/metrics",
    } <= set(described)


def test_logs_are_followed_from_where_one_stopped_reading(
    market: TestMarket, tmp_path: Path
) -> None:
    consumer = market.consumer()
    folder = a_script(tmp_path / "counts", "for i in 1 2 3 4 5; do echo line $i; done")
    answer = consumer.draas("deploy", folder, "--json")
    assert answer.code == 0, answer.err
    assert answer.log == [f"line {i}" for i in range(1, 6)]
    logs = f"{market.url}/v1/deployments/{answer.event('posted')['job']}/logs"
    assert httpx.get(logs, trust_env=False).status_code == 401
    assert (
        httpx.get(logs, headers=session_of(market.consumer()), trust_env=False).status_code == 404
    )
    mine = session_of(consumer)
    first = read_stream(logs, mine)
    assert [body["text"] for _, body in first] == [f"line {i}" for i in range(1, 6)]
    again = read_stream(logs, mine | {"Last-Event-ID": first[2][0]})
    assert [body["text"] for _, body in again] == ["line 4", "line 5"]


def test_usage_is_told_by_the_second_and_comes_to_what_the_chain_took(
    market: TestMarket, tmp_path: Path
) -> None:
    consumer = market.consumer()
    burns = "import time\nend = time.monotonic() + 7\nwhile time.monotonic() < end:\n    pass\n"
    command = consumer.start("deploy", a_program(tmp_path / "burns", burns), "--json")
    (job_id,) = market.until("it is posted", consumer.jobs)
    points = usage_of(market, job_id)
    assert command.finish().code == 0
    (run,) = market.get(f"/v1/deployments/{job_id}").json()["runs"]
    last = points[-1]
    assert last["cpu_ms"] == run["usage"]["cpu_ms"] > 0
    assert last["earned"] == run["earned"]
    assert {point["attempt"] for point in points} == {1}
    for name in ("at_ms", "cpu_ms", "memory_mib_s", "wall_ms"):
        values = [point[name] for point in points]
        assert values == sorted(values)
    assert max(point["memory_mib"] for point in points) > 0
    seconds = {point["wall_ms"] // 1000 for point in points}
    assert len(seconds) >= 5, "nearly every second of the run is in it"


def usage_of(market: TestMarket, job_id: str) -> list[dict[str, Any]]:
    """All that is told of a job's usage, to the end."""
    answer = market.get(f"/v1/deployments/{job_id}/usage/events")
    assert answer.status_code == 200
    blocks = answer.text.strip().split("\n\n")
    assert blocks[-1].startswith("event: end")
    told = [block.split("data: ", 1)[1] for block in blocks if "event: usage" in block]
    return [json.loads(one) for one in told]


def read_stream(url: str, headers: dict[str, str]) -> list[tuple[str, dict[str, str]]]:
    """The log events of a stream, to its end."""
    answer = httpx.get(url, headers=headers, timeout=30, trust_env=False)
    assert answer.status_code == 200, answer.text
    found = []
    for block in answer.text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if fields.get("event") == "log":
            found.append((fields["id"], json.loads(fields["data"])))
    return found
