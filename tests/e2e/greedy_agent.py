"""Agents that were modified to bill more processor time than was used; run by test_greedy_agent.py.

`bills`: meters truly, and sends half as much again to the chain. `meters`: inflates what it reads from the kernel, and
so its ledger, its heartbeats and its signed answers alike, beyond what was reserved.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

from agent import app
from agent.container import container
from agent.meter.cgroup import Counters, Mounts, read_counters
from chain.calls import Call
from chain.escrow import Escrow
from chain.job import JobId, Usage


class GreedyEscrow(Escrow):
    """The escrow, told half as much again of what ran."""

    def report_usage(self, reports: Sequence[tuple[JobId, int, Usage]]) -> Call:
        return super().report_usage([(job, attempt, _more(used)) for job, attempt, used in reports])

    def complete_job(
        self, job_id: JobId, attempt: int, usage: Usage, exit_code: int, result_cid: str
    ) -> Call:
        return super().complete_job(job_id, attempt, _more(usage), exit_code, result_cid)


def _more(usage: Usage) -> Usage:
    return replace(usage, cpu_ms=usage.cpu_ms * 3 // 2)


def _inflated(mounts: Mounts, parent: str) -> Counters | None:
    found = read_counters(mounts, parent)
    return None if found is None else replace(found, cpu_ns=found.cpu_ns * 20)


if __name__ == "__main__":
    if sys.argv[1] == "bills":
        setattr(*(app, "Escrow", GreedyEscrow))
    else:
        setattr(*(container, "read_counters", _inflated))
    sys.exit(app.main())
