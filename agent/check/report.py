"""`python -m agent check`: every line as it is found, then the exit code."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence

from agent.check.lines import Line, exit_code
from agent.check.machine import look_at_machine
from agent.check.market import look_at_market
from agent.container.network import can_fence
from agent.settings import AgentSettings, read_settings
from chain.errors import DraasError
from chain.settings import home_of


def main(arguments: Sequence[str]) -> int:
    """0 when nothing has failed. `--json` prints objects."""
    return asyncio.run(_check(os.environ, as_json="--json" in arguments))


async def _check(environ: Mapping[str, str], as_json: bool) -> int:
    lines: list[Line] = []

    def tell(found: Sequence[Line]) -> None:
        lines.extend(found)
        for line in found:
            sys.stdout.write((line.json() if as_json else line.text()) + "\n")
        sys.stdout.flush()

    settings, faults = _settings(environ)
    tell(faults)
    offered = settings.capacity if settings else None
    tell(await look_at_machine(home_of(environ), offered, settings.gpus if settings else None))
    if settings is not None:
        tell(await look_at_market(settings, environ))
    if not as_json:
        sys.stdout.write(_summary(lines) + "\n")
    return exit_code(lines)


def _settings(environ: Mapping[str, str]) -> tuple[AgentSettings | None, list[Line]]:
    try:
        settings = read_settings(environ, can_fence())
    except DraasError as error:
        return None, [Line("settings", "fail", error.message, error.fix)]
    return settings, [Line("settings", "ok", f"home {settings.home}")]


def _summary(lines: Sequence[Line]) -> str:
    failed, warned = (sum(line.level == level for line in lines) for level in ("fail", "warn"))
    if failed:
        return f"{failed} of {len(lines)} have failed: mend these first."
    return f"Fit to run, with {warned} things that could be better." if warned else "Fit to run."
