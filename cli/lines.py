"""A job's output on the consumer's screen: data of a stranger, shown so that no terminal acts on it."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO

from chain.errors import InvalidInput, NotFound, Unavailable
from chain.job import JobId
from chain.wire import LogLine
from cli.api import SchedulerApi
from cli.money import printable
from cli.screen import Screen

RETRY_S = 1.0
_AGO = re.compile(r"^(\d{1,9})([smhd])$")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class View:
    """What is shown of a log, and how.

    Args:
        since_ms: Unix milliseconds; lines of before are left out.
        tail: the last so many lines only; None: all.
        indent: before each line, among other things that are said.
        raw: control characters as they were printed.
    """

    follow: bool = False
    timestamps: bool = False
    since_ms: int = 0
    tail: int | None = None
    indent: str = ""
    raw: bool = False


def since_of(given: str, now: float) -> int:
    """A time as `docker logs --since` takes it, in Unix milliseconds: 10m, 3h, or RFC 3339.

    Raises:
        InvalidInput: it is none.
    """
    ago = _AGO.match(given)
    if ago:
        return int((now - int(ago[1]) * _SECONDS[ago[2]]) * 1000)
    try:
        read = datetime.fromisoformat(given)
        return int(read.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"{printable(given)[:40]!r} is no time.", "Write 10m, 3h, 2d, or 2026-01-31T12:00:00Z."
        ) from None


def may_be_raw(out: TextIO) -> None:
    """Raw output is for files and programs.

    Raises:
        InvalidInput: it would go to a terminal, which acts on what strangers print.
    """
    if out.isatty():
        raise InvalidInput("--raw is not for a terminal.", "Send it to a file or a program.")


async def show_logs(api: SchedulerApi, job_id: JobId, screen: Screen, view: View) -> None:
    """Print log lines; with `follow` until the deployment has ended, going on after a break where it stopped."""
    cursor, tail = "", view.tail
    while True:
        try:
            async for event in api.logs(job_id, view.follow, cursor, tail):
                cursor, tail = event.cursor, None
                if event.line.at_ms >= view.since_ms:
                    show_line(screen, event.line, view)
            return
        except (NotFound, Unavailable):
            if not view.follow:
                raise
            await asyncio.sleep(RETRY_S)


async def show_build(api: SchedulerApi, job_id: JobId, screen: Screen, indent: str) -> None:
    """Print what the build prints, until it is over, going on after a break where it stopped."""
    cursor = ""
    while True:
        try:
            async for at, text in api.build_output(job_id, cursor):
                cursor = at
                for line in text.splitlines():
                    _show_build_line(screen, printable(line), indent)
            return
        except (NotFound, Unavailable):
            await asyncio.sleep(RETRY_S)


def _show_build_line(screen: Screen, text: str, indent: str) -> None:
    if screen.as_json:
        screen.record({"event": "build", "text": text})
    else:
        screen.write(f"{indent}{text}\n", sys.stderr)


def show_line(screen: Screen, line: LogLine, view: View) -> None:
    """One line of the job's output: stdout there, stderr and our notices on stderr."""
    if screen.as_json:
        text = printable(line.text)
        screen.record({"event": "log", "at_ms": line.at_ms, "stream": line.stream, "text": text})
        return
    text = line.text if view.raw else printable(line.text)
    stamp = f"{_time(line.at_ms)} " if view.timestamps else ""
    end = "" if line.goes_on and view.raw else "\n"
    out = sys.stdout if line.stream == "stdout" or view.indent else sys.stderr
    style = {"stderr": "33", "notice": "35"}.get(line.stream, "")
    if style and out.isatty() and not screen.console.no_color:
        text = f"\x1b[{style}m{text}\x1b[0m"
    screen.write(f"{view.indent}{stamp}{text}{end}", out)


def _time(at_ms: int) -> str:
    """As RFC 3339 with milliseconds."""
    whole = time.strftime(
        "%Y-%m-%dT%H:%M:%S", datetime.fromtimestamp(at_ms / 1000, UTC).timetuple()
    )
    return f"{whole}.{at_ms % 1000:03d}Z"
