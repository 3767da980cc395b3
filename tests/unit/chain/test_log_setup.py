"""One line an event, with job and run, from our code and from the libraries alike."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from chain.errors import InvalidInput
from chain.log_setup import hide, job_at_hand, read_log_settings, set_up_logs, working_on

JOB = "0x" + "ab" * 32


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    set_up_logs({"DOCKER_PASSWORD": "hunter2-hunter2"}, stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_carries_the_job_and_the_run_that_it_is_about(written: io.StringIO) -> None:
    with working_on(JOB, 2):
        structlog.get_logger().info("job.step", step="Assign")
    structlog.get_logger().info("later")
    first, second = lines(written)
    assert (first["event"], first["level"], first["step"]) == ("job.step", "info", "Assign")
    assert (first["job"], first["run"]) == (JOB, f"{JOB}/2")
    assert "job" not in second


async def test_threads_and_tasks_begun_inside_carry_them_too(written: io.StringIO) -> None:
    async def inside() -> None:
        await asyncio.to_thread(structlog.get_logger().info, "in a thread")
        logging.getLogger("uvicorn.error").warning("in a library")

    with working_on(JOB, 1):
        task = asyncio.create_task(inside())
    await task
    assert {line["run"] for line in lines(written)} == {f"{JOB}/1"}


def test_the_job_at_hand_is_known_to_the_code_inside() -> None:
    assert job_at_hand() is None
    with working_on(JOB):
        assert job_at_hand() == (JOB, None)
        with working_on(JOB, 3):
            assert job_at_hand() == (JOB, 3)
            with working_on("0x" + "cd" * 32):
                assert job_at_hand() == ("0x" + "cd" * 32, None)
            assert job_at_hand() == (JOB, 3)
    assert job_at_hand() is None


def test_the_libraries_lines_have_the_same_form(written: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").error("it %s", "failed")
    (line,) = lines(written)
    assert (line["event"], line["level"], line["logger"]) == ("it failed", "error", "uvicorn.error")
    assert line["timestamp"]


def test_a_library_that_tells_every_request_is_kept_quiet(written: io.StringIO) -> None:
    logging.getLogger("httpx").info("GET https://node.example/key")
    assert not written.getvalue()


@pytest.mark.parametrize("form", ["json", "console"])
def test_secrets_are_hidden_in_either_form(form: str, written: io.StringIO) -> None:
    set_up_logs({"LOG_FORMAT": form, "DOCKER_PASSWORD": "hunter2-hunter2"}, written)
    hide("loaded-from-a-keystore")
    log = structlog.get_logger()
    try:
        raise ValueError("hunter2-hunter2 and loaded-from-a-keystore")
    except ValueError as error:
        log.exception("failed", error=str(error), nested={"a": ["hunter2-hunter2"]})
        logging.getLogger("aiosqlite").exception("%s", "hunter2-hunter2")
    assert "ValueError" in written.getvalue()
    assert "hunter2-hunter2" not in written.getvalue()
    assert "loaded-from-a-keystore" not in written.getvalue()


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_stranger_cannot_write_a_line_of_its_own(form: str, written: io.StringIO) -> None:
    set_up_logs({"LOG_FORMAT": form}, written)
    name = 'x\n{"event": "forged", "level": "info"}\r\x1b[2J'
    structlog.get_logger().info("job.step", why=name)
    try:
        raise ValueError(name)
    except ValueError:
        structlog.get_logger().exception("failed")
    assert not [
        line for line in written.getvalue().splitlines() if line.startswith('{"event": "forged')
    ]
    assert "\x1b" not in written.getvalue()
    assert "\r" not in written.getvalue()
    if form == "json":
        assert [line["event"] for line in lines(written)] == ["job.step", "failed"]


def test_a_terminal_gets_columns_and_a_program_gets_json() -> None:
    assert read_log_settings({}, terminal=True).form == "console"
    assert read_log_settings({}, terminal=False).form == "json"
    assert read_log_settings({"LOG_FORMAT": "json"}, terminal=True).form == "json"


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput, match="LOG_LEVEL"):
        read_log_settings({"LOG_LEVEL": "loud"}, terminal=False)


def test_what_is_below_the_level_is_left_out(written: io.StringIO) -> None:
    set_up_logs({"LOG_LEVEL": "warning"}, written)
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")
    assert [line["event"] for line in lines(written)] == ["loud"]
