"""An agent that is stopped at its nth step to the outside, and what follows; run by test_crash_points.py.

Reads one JSON object on its standard input: what all runs share, and a list of cases. Everything is imported once;
each case is a child of this process, so that it begins as a fresh agent without the price of one.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent import app
from agent.container import lease
from agent.engine.engine import Engine
from agent.link.link import Link
from agent.meter.ledger import Ledger
from agent.runs import run, runs
from agent.runs.record import folder_of, load
from agent.settings import read_settings
from chain.errors import InvalidInput
from chain.job import Address, JobId
from chain.journal import Journal
from chain.outbox import Outbox
from chain.wire import Offer
from tests.crash_steps import KILLED, NEVER, Steps

WITHIN_S = 150.0


# Every write of a file or a database, every transaction, and every change at the Engine.
STEPS: tuple[tuple[Any, str], ...] = (
    (Journal, "record"),
    (Journal, "mined"),
    (Outbox, "broadcast"),
    (run, "save"),
    (runs, "save"),
    (lease, "keep"),
    (lease, "renew"),
    (lease, "drop"),
    (Ledger, "append"),
    (Engine, "create"),
    (Engine, "start"),
    (Engine, "stop"),
    (Engine, "remove"),
    (Engine, "ensure_image"),
)


@dataclass(frozen=True)
class Case:
    """One agent with a home of its own, and the offer that it gets."""

    home: Path
    key: str
    offer: dict[str, Any]

    def environ(self, shared: dict[str, str]) -> dict[str, str]:
        """Its settings."""
        return shared | {"DRAAS_HOME": str(self.home), "DRAAS_PRIVATE_KEY": self.key}


async def live(case: Case, shared: dict[str, str], scheduler: str) -> None:
    """Run the agent until its one run is over. The offer comes again at every start, as from a scheduler."""
    environ = case.environ(shared)
    settings = read_settings(environ, fenced=False)
    offer = Offer.model_validate(case.offer)
    folder = folder_of(case.home, JobId(offer.assignment.job_id), offer.assignment.attempt)
    async with asyncio.timeout(WITHIN_S), app.open_agent(settings, environ) as agent:
        setattr(*(Link, "scheduler", property(lambda _: Address(scheduler))))
        tasks = [asyncio.create_task(one) for one in (agent.reporter.work(), agent.sender.watch())]
        agent.runs.offer(offer)
        while not _is_over(folder) or await agent.reporter._view.credit():
            await asyncio.sleep(0.1)  # a report may have released the last of it as credit
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _is_over(folder: Path) -> bool:
    try:
        return load(folder).over
    except InvalidInput:
        return False


def child(case: Case, given: dict[str, Any], last: int) -> int:
    """The agent in a process of its own; its exit code."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    log = os.open(case.home / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    steps = Steps(last)
    steps.watch(*STEPS)
    try:
        asyncio.run(live(case, given["shared"], given["scheduler"]))
        (case.home / "steps").write_text(str(steps.count))
        os._exit(0)
    finally:
        traceback.print_exc()
        os._exit(1)


def lane(given: dict[str, Any], number: int) -> None:
    """Every `lanes`-th case: stopped at its step, then taken up by a fresh agent that is not."""
    for last in range(number, len(given["cases"]), given["lanes"]):
        one = given["cases"][last]
        case = Case(Path(one["home"]), one["key"], one["offer"])
        codes = [child(case, given, last or NEVER)]
        if codes[0] == KILLED:
            codes.append(child(case, given, NEVER))
        sys.stdout.write(json.dumps({"last": last, "codes": codes}) + "\n")
        sys.stdout.flush()


def main() -> None:
    """All lanes at once."""
    given = json.load(sys.stdin)
    lanes = []
    for number in range(given["lanes"]):
        pid = os.fork()
        if pid == 0:
            lane(given, number)
            os._exit(0)
        lanes.append(pid)
    for pid in lanes:
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
