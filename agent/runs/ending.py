"""What the agent does about a program that has ended or is to end, besides writing it down in the run's record."""

from __future__ import annotations

from pathlib import Path

import structlog

from agent.container import lease
from agent.container.host import JobContainer
from agent.container.restart import Starts, after, told
from agent.observed import Container
from agent.runs.record import RunRecord

log = structlog.get_logger()
LEASE_WHY = "stopped: the agent was silent for so long that the job could lapse"


def stop_seconds(record: RunRecord, settle_grace: int) -> int:
    """Seconds from SIGTERM to SIGKILL: as the manifest says, as far as that leaves time for the last report. A program
    that ignores SIGTERM costs no pay."""
    return min(record.offer.manifest.stop_grace_s, max(1, settle_grace // 3))


async def plan_start(kept: JobContainer, record: RunRecord, seen: Container) -> Starts:
    """Take down how the program ended, and say so in its log; when it is started again.

    Safe to repeat: the same end gives the same start at the same moment, and one notice.
    """
    kept.follow(record.container_id)
    why = LEASE_WHY if lease.ran_out(kept.folder) else record.starts.ill
    ended, oom_kills = await kept.end_start(seen, why)
    lease.drop(kept.folder)
    starts = after(record.starts, ended, oom_kills)
    kept.say(ended.finished_ms, told(starts))
    log.info("run.restarts", run=record.job_id, code=ended.code, why=ended.why, count=starts.count)
    return starts


def cut_why(record: RunRecord, folder: Path, why: str) -> str:
    """Why a program did not come to its own end; "" where it did."""
    return LEASE_WHY if lease.ran_out(folder) else why or record.stop_why


def exit_why(record: RunRecord, cut: str) -> str:
    """Why a program ended for good, where its exit code does not tell."""
    count = record.starts.count
    return cut or (f"it was started again {count} times before" if count > 1 else "")
