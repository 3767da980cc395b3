"""A program counts as healthy at its first good check, and as unhealthy after so many bad ones in a row."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agent.engine_state import container_of
from agent.health import Checks, after_check, ask, engine_check
from chain.manifest import HealthSpec

SPEC = HealthSpec(http="/ok", retries=2, start_period="10s")
RAN_S = 60.0


def after_all(*faults: str, ran_s: float = RAN_S) -> Checks:
    checks = Checks()
    for fault in faults:
        checks = after_check(checks, fault, SPEC, ran_s)
    return checks


def test_one_good_check_makes_it_healthy_and_bad_ones_in_a_row_unhealthy() -> None:
    assert Checks().health == "starting"
    assert after_all("").health == "healthy"
    assert after_all("", "no").health == "healthy"
    assert after_all("", "no", "no") == Checks("unhealthy", 2, "no")
    assert after_all("", "no", "", "no").health == "healthy"
    assert after_all("no", "no", "").health == "healthy"
    assert after_all("no", "no").health == "unhealthy"


def test_while_it_comes_up_failures_do_not_count_until_it_was_well_once() -> None:
    assert after_all(*["no"] * 50, ran_s=9.9) == Checks("starting", 0, "no")
    assert after_all("", "no", "no", ran_s=9.9).health == "unhealthy"


def test_the_engine_runs_the_manifests_test_and_never_the_images_own() -> None:
    assert engine_check(None) == engine_check(SPEC) == {"Test": ["NONE"]}
    spec = HealthSpec(test=["/bin/ok", "x"], interval="2s", timeout="1s", retries=4)
    second = 1_000_000_000
    assert engine_check(spec) == {
        "Test": ["CMD", "/bin/ok", "x"],
        "Interval": 2 * second,
        "Timeout": second,
        "Retries": 4,
        "StartPeriod": 0,
    }


def test_what_a_check_printed_is_told_on_one_line_without_control_characters() -> None:
    entry = {"Output": "bad\x1b[2J\nthing\x00"}
    state = {"Status": "running", "Health": {"Status": "unhealthy", "Log": [{}, entry]}}
    seen = container_of({"State": state})
    assert (seen.health, seen.ill_why) == ("unhealthy", "its health check failed: bad [2J thing")
    assert container_of({"State": {"Status": "running"}}).health == ""


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", ""),
        (b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\n\r\n", ""),
        (b"HTTP/1.1 503 No\r\n\r\n", "it answered 503"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1_000_000, "no answer: RemoteProtocolError"),
        (b"nonsense\r\n\r\n", "no answer: RemoteProtocolError"),
        (None, "no answer within 0.3 s"),
    ],
)
async def test_a_page_is_judged_by_its_status_alone_and_no_answer_holds_a_check_up(
    answer: bytes | None, told: str
) -> None:
    asked: list[bytes] = []

    async def serve(reader: Any, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n"))
        if answer is not None:
            writer.write(answer)
        await asyncio.sleep(0.5 if answer is None else 0)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        assert await ask(f"http://127.0.0.1:{port}/ok", 0.3 if answer is None else 5) == told
    assert asked == [b"GET /ok HTTP/1.1\r\n"]
