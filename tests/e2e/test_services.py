"""A service is reached by path and by name through the scheduler, and at its agent; and again when that agent falls
silent and another runs it."""

from __future__ import annotations

import asyncio
import shutil
import signal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import connect

from tests.e2e.checks import process_of, runs_of
from tests.e2e.market import Consumer, TestMarket
from tests.e2e.signin import session_of

EXAMPLE = Path(__file__).parents[2] / "examples" / "hello-service"


def at(url: str, **more: Any) -> httpx.Response:
    """GET; the name is taken to be this machine's, as browsers do with all names below localhost."""
    parts = urlsplit(url)
    headers = {"host": parts.netloc, **more.pop("headers", {})}
    plain = url.replace(parts.netloc, f"127.0.0.1:{parts.port}", 1)
    return httpx.get(plain, headers=headers, timeout=30, trust_env=False, **more)


async def echoed(url: str, *texts: str) -> list[str]:
    parts = urlsplit(url)
    async with connect(
        f"ws://{parts.netloc}{parts.path}socket", host="127.0.0.1", port=parts.port, proxy=None
    ) as socket:
        for text in texts:
            await socket.send(text)
        return [str(await socket.recv()) for _ in texts]


def deployed(market: TestMarket, consumer: Consumer, tmp_path: Path) -> tuple[str, dict[str, Any]]:
    """The service, once it answers; and its endpoint."""
    folder = shutil.copytree(EXAMPLE, tmp_path / "hello-service")
    job = consumer.draas("deploy", folder, "-d", "--json").event("posted")["job"]

    def answers() -> Any:
        told = market.get(f"/v1/deployments/{job}").json()
        found = told.get("endpoints")
        return found if found and at(found[0]["path_url"]).status_code == 200 else None

    (endpoint,) = market.until("the service answers", answers)
    return job, endpoint


def test_a_service_is_reached_by_path_by_name_and_directly_and_again_on_another_agent(
    pair: TestMarket, tmp_path: Path
) -> None:
    market, consumer = pair, pair.consumer()
    job, endpoint = deployed(market, consumer, tmp_path)
    named, by_path, direct = (endpoint[key] for key in ("url", "path_url", "direct_url"))

    told = at(named, headers={"cookie": "mine=1; draas_session=secret"}).json()
    assert told["DRAAS_JOB_ID"] == job
    assert told["DRAAS_URL"] == named
    assert told["DRAAS_PORTS"] == "8080"
    assert told["headers"]["cookie"] == "mine=1"
    assert at(named).headers["set-cookie"] == "visited=yes; Path=/"
    sandboxed = at(by_path, headers={"cookie": "mine=1"})
    assert "cookie" not in sandboxed.json()["headers"]
    assert sandboxed.json()["headers"]["x-forwarded-prefix"] == f"/d/{job}"
    assert sandboxed.headers["content-security-policy"].startswith("sandbox")
    assert "allow-same-origin" not in sandboxed.headers["content-security-policy"]
    assert "set-cookie" not in sandboxed.headers
    for url in (named, by_path, direct):
        assert asyncio.run(echoed(url, "one", "two")) == ["one", "two"]
        assert len(at(url + "bytes?n=1000000").content) == 1_000_000
    assert at(named.replace("://", "://9999-")).status_code == 404
    assert market.get("/d/0x" + "0" * 64 + "/").status_code == 404

    session = session_of(consumer)
    asked = httpx.get(f"{market.url}/v1/deployments/{job}/ticket", headers=session, trust_env=False)
    ticket = asked.json()
    logs = f"{ticket['agent_url']}/v1/runs/{job}/{ticket['attempt']}"
    bearer = {"authorization": f"Bearer {ticket['ticket']}"}
    elsewhere = {"host": "agent.example"}  # as who is not on this machine
    assert httpx.get(logs, headers=elsewhere).status_code == 403
    assert httpx.get(logs, headers=elsewhere | bearer).json()["ready"] is True
    assert httpx.get(logs[:-1] + "2", headers=elsewhere | bearer).status_code == 401

    first = market.get(f"/v1/deployments/{job}").json()["provider"]
    silent = process_of(market, first)
    silent.send_signal(signal.SIGSTOP)
    try:
        market.until("it runs elsewhere", lambda: runs_of(job) == ["2"])
        market.until("it answers again", lambda: at(named).status_code == 200)
        assert at(named).json()["DRAAS_ATTEMPT"] == "2"
    finally:
        silent.send_signal(signal.SIGCONT)
    assert consumer.draas("cancel", job, "--json").code == 0
    market.until("it is gone", lambda: at(named).status_code == 404)
