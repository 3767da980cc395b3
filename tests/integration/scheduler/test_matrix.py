"""Every endpoint of the API's own description, asked by everybody: who gets what is written down here, once."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from chain.convert import address_of
from chain.job import Address, JobId
from scheduler.api.guard import COOKIE
from scheduler.rows.store import load_job
from scheduler.sessions.tokens import Claims, issue_token
from tests.fixtures_chain import ChainMarket
from tests.fixtures_ipfs import ContentStore
from tests.integration.chain.test_court import disputed, drawn, with_juror
from tests.integration.scheduler.served import Served, serving

CALLERS = (
    "nobody", "garbage", "expired", "ended", "consumer", "foreign consumer", "agent of the run", "foreign agent",
    "juror", "own page", "foreign page",
)  # fmt: skip
ELSEWHERE = "http://evil.example"


def everybody(status: int) -> dict[str, int]:
    return dict.fromkeys(CALLERS, status)


def parties(granted: int, foreign: int = 404) -> dict[str, int]:
    """What is for those who take part in the job."""
    return everybody(401) | {
        "consumer": granted,
        "agent of the run": granted,
        "juror": granted,
        "own page": granted,
        "foreign consumer": foreign,
        "foreign agent": foreign,
        "foreign page": 403,
    }


SIGNED_IN = everybody(200) | {
    "nobody": 401, "garbage": 401, "expired": 401, "ended": 401, "foreign page": 403,
}  # fmt: skip
OWNER = parties(200) | {"agent of the run": 404, "juror": 404}
PUBLIC = everybody(200)
AGENTS = everybody(403) | {
    "nobody": 401, "garbage": 401, "expired": 401, "ended": 401,
    "agent of the run": 404, "foreign agent": 404,  # there is no such image or layer
}  # fmt: skip
EXPECTED: dict[str, dict[str, int]] = {
    "GET /healthz": PUBLIC,
    "GET /readyz": PUBLIC,
    "GET /metrics": PUBLIC,
    "GET /v1/market": PUBLIC,
    "GET /v1/sealing-key": PUBLIC,
    "GET /v1/overview": PUBLIC,
    "GET /v1/spending": PUBLIC,
    "GET /v1/due": PUBLIC,
    "GET /v1/market/events": PUBLIC,
    "GET /v1/content/{cid}": everybody(404),  # nothing names it; see test_content
    "GET /v1/agents": PUBLIC,
    "GET /v1/agents/{address}": everybody(404),  # none has logged in here
    "GET /v1/deployments": PUBLIC,
    "GET /v1/deployments/{job_id}": PUBLIC,
    "GET /v1/deployments/{job_id}/transactions": PUBLIC,
    "GET /v1/deployments/{job_id}/events": PUBLIC,
    "GET /v1/deployments/{job_id}/usage/events": PUBLIC,
    "GET /v1/deployments/{job_id}/logs": parties(200),
    "GET /v1/deployments/{job_id}/build-log": parties(200),
    "GET /v1/deployments/{job_id}/build-log/events": parties(200),
    "POST /v1/deployments/{job_id}/cancel": OWNER,
    "GET /v1/deployments/{job_id}/ticket": OWNER,
    "POST /v1/deployments/{job_id}/secrets": everybody(422),  # nothing is sealed; see test_vault
    "GET /v1/deployments/{job_id}/outcome": OWNER,
    "GET /v1/images/{digest}": AGENTS,
    "GET /v1/images/{digest}/archive": AGENTS,
    "GET /v1/layers/{cid}": AGENTS,
    "POST /v1/bundles": everybody(422),  # an empty body is no archive
    "POST /v1/session/nonce": PUBLIC,
    "POST /v1/session": everybody(422),  # nothing was signed
    "GET /v1/session": SIGNED_IN,
    "DELETE /v1/session": SIGNED_IN
    | {name: 204 for name, code in SIGNED_IN.items() if code == 200},
}


@pytest.fixture
async def served(
    market_on_anvil: ChainMarket, tmp_path: Path, store: ContentStore
) -> AsyncIterator[Served]:
    async with serving(market_on_anvil, tmp_path, store.api, REQUESTS_PER_S="100000") as one:
        yield one


async def a_dispute_and_an_open_job(market: ChainMarket) -> tuple[JobId, JobId]:
    """A run whose dispute a juror was drawn for; and a job that waits."""
    await with_juror(market)
    terms, case = await disputed(market)
    await drawn(market, case)
    waiting = await market.with_job(salt=1)
    return market.escrow.job_id(terms), market.escrow.job_id(waiting)


def headers(served: Served) -> dict[str, dict[str, str]]:
    """How each caller shows who it is."""
    market, stranger = served.market, Account.create()
    cookie = f"{COOKIE}={served.token(market.consumer, lasts_s=400)}"
    over = Claims("consumer", address_of(market.consumer.address), int(time.time()) - 1)
    return {
        "nobody": {},
        "garbage": {"authorization": "Bearer v1.consumer.0x00.1.ff"},
        "expired": bearer(issue_token(served.context.access.secret, over)),
        "ended": bearer(served.token(market.consumer, lasts_s=300)),
        "consumer": bearer(served.token(market.consumer)),
        "foreign consumer": bearer(served.token(stranger)),
        "agent of the run": bearer(served.token(market.provider, "agent")),
        "foreign agent": bearer(served.token(stranger, "agent")),
        "juror": bearer(served.token(market.juror)),
        "own page": {"cookie": cookie, "origin": served.url},
        "foreign page": {"cookie": cookie, "origin": ELSEWHERE},
    }


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def asked(
    served: Served, endpoint: str, job_id: JobId, shown: dict[str, str]
) -> tuple[int, bytes]:
    """The status of one request, and the body of a refusal. Streams are not read."""
    method, path = endpoint.split(" ")
    names = {"digest": "sha256:" + "0" * 64, "cid": "b" + "a" * 58}
    place = path.format(job_id=job_id, address="0x" + "12" * 20, **names)
    who = {"/v1/bundles": "consumer", "/v1/spending": "consumer", "/v1/due": "provider"}.get(path)
    params = {who: "0x" + "12" * 20} if who else {}
    async with served.http.stream(method, place, headers=shown, params=params) as answer:
        body = b"" if answer.is_success else await answer.aread()
        return answer.status_code, body


async def test_everybody_gets_what_is_theirs_and_no_more(served: Served) -> None:
    market = served.market
    job_id, waiting = await a_dispute_and_an_open_job(market)
    await served.until_read()
    described: dict[str, Any] = (await served.http.get("/openapi.json")).json()["paths"]
    endpoints = {f"{method.upper()} {path}" for path, of in described.items() for method in of}
    theirs = {one for one in endpoints if one.startswith(("POST /v1/agents/",))}  # see test_hub
    assert endpoints - theirs == set(EXPECTED), (
        "each endpoint has its row, and each row its endpoint"
    )
    wrong = []
    for caller, shown in headers(served).items():
        if caller == "ended":
            assert (await served.http.delete("/v1/session", headers=shown)).status_code == 204
        for endpoint in sorted(EXPECTED, key=lambda one: one.startswith("DELETE")):
            target = waiting if endpoint.endswith("/cancel") else job_id
            status, body = await asked(served, endpoint, target, shown)
            if status != EXPECTED[endpoint][caller]:
                wrong.append((caller, endpoint, status, EXPECTED[endpoint][caller], body))
    assert wrong == []


async def test_what_is_anothers_looks_like_what_does_not_exist(served: Served) -> None:
    job_id, _ = await a_dispute_and_an_open_job(served.market)
    await served.until_read()
    stranger = bearer(served.token(Account.create()))
    for endpoint in (
        "GET /v1/deployments/{job_id}/logs",
        "GET /v1/deployments/{job_id}/build-log",
        "GET /v1/deployments/{job_id}/build-log/events",
        "POST /v1/deployments/{job_id}/cancel",
        "GET /v1/deployments/{job_id}/ticket",
    ):
        unknown = JobId(job_id[:12] + "00" * 27)
        (status, told), absent = [
            await asked(served, endpoint, one, stranger) for one in (job_id, unknown)
        ]
        assert (status, told) == absent
        assert status == json.loads(told)["status"] == 404
    async with served.context.store.read() as tx:
        facts = await load_job(tx, job_id)
    assert facts is not None
    assert facts.terms.consumer == Address(served.market.consumer.address)
