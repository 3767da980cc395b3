"""Requests are counted by the route's template, and told when they fail."""

from __future__ import annotations

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.responses import StreamingResponse
from structlog.testing import capture_logs

from chain.errors import Unavailable
from scheduler.api.problems import add_problems
from scheduler.telemetry.requests import Requests

JOB = "0x" + "ab" * 32


@pytest.fixture
def requests() -> Requests:
    return Requests()


@pytest.fixture
def app(requests: Requests) -> FastAPI:
    router = APIRouter(prefix="/v1/deployments")

    @router.get("/{job_id}")
    async def show(job_id: str) -> str:
        return job_id

    @router.get("/{job_id}/logs")
    async def logs(job_id: str) -> StreamingResponse:
        return StreamingResponse(iter(["a", "b"]))

    @router.get("/{job_id}/silent")
    async def silent(job_id: str) -> str:
        raise Unavailable("Silence.")

    @router.get("/{job_id}/fault")
    async def fault(job_id: str) -> str:
        raise ZeroDivisionError

    made = FastAPI()
    add_problems(made)
    made.include_router(router)
    made.add_middleware(requests.layer)
    return made


async def ask(app: FastAPI, path: str, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        return await http.get(path, headers=headers)


def counts(requests: Requests) -> dict[tuple[str, str], float]:
    return {
        (sample.labels["route"], sample.labels["status"]): sample.value
        for family in requests.total.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    }


async def test_a_path_of_no_end_of_values_is_one_route(app: FastAPI, requests: Requests) -> None:
    for number in range(5):
        await ask(app, f"/v1/deployments/0x{number}")
        await ask(app, f"/nothing/{number}")
    await ask(app, f"/v1/deployments/{JOB}/logs")
    assert counts(requests) == {
        ("/v1/deployments/{job_id}", "200"): 5,
        ("(none)", "404"): 5,
        ("/v1/deployments/{job_id}/logs", "200"): 1,
    }


async def test_a_failed_request_is_told_with_its_id_and_without_its_path(
    app: FastAPI, requests: Requests
) -> None:
    with capture_logs() as logged:
        for name in ("silent", "fault"):
            await ask(app, f"/v1/deployments/{JOB}/{name}?secret=1")
    failed = [line for line in logged if line["event"] == "http.failed"]
    assert [line["status"] for line in failed] == [503, 500]
    assert JOB not in str(failed)
    assert counts(requests)["/v1/deployments/{job_id}/fault", "500"] == 1


async def test_an_answer_carries_the_id_of_its_request(app: FastAPI) -> None:
    first = await ask(app, "/v1/deployments/1")
    second = await ask(app, "/v1/deployments/1")
    assert len(first.headers["x-request-id"]) == 16
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_an_id_of_a_proxy_is_kept_and_one_that_is_none_is_not(app: FastAPI) -> None:
    good = await ask(app, "/v1/deployments/1", **{"x-request-id": "abcdef-123456"})
    assert good.headers["x-request-id"] == "abcdef-123456"
    bad = await ask(app, "/v1/deployments/1", **{"x-request-id": 'x"} {"event": "forged'})
    assert "forged" not in bad.headers["x-request-id"]


async def test_a_strange_method_is_no_label_of_its_own(app: FastAPI, requests: Requests) -> None:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        for method in ("BREW", "WHEN", "PROPFIND"):
            await http.request(method, "/v1/deployments/1")
    methods = {s.labels["method"] for f in requests.total.collect() for s in f.samples}
    assert methods == {"OTHER"}
