"""Re-open running jobs whose agents have fallen silent; anybody may:
scripts/brownie.sh run lapse main [JOB_ID ...] --network NAME     all silent jobs, or those named
scripts/brownie.sh run lapse show --network NAME                  list them, and send nothing
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from brownie import web3

from scripts.jobs import JobState, RunState, events, terms_of
from scripts.market import at, foresee, now, send, the_account, the_escrow
from scripts.words import job_id, refuse, say


@dataclass(frozen=True)
class Silent:
    """A running job that can be lapsed."""

    job: str
    provider: str
    attempt: int
    since: int  # second of its last report

    def __str__(self) -> str:
        return (
            f"{self.job}  attempt {self.attempt} of {self.provider}, silent since {at(self.since)}"
        )


def main(*jobs: str) -> None:
    """One transaction a job."""
    named = {job_id(job, "JOB_ID ...") for job in jobs}
    escrow, account = the_escrow(), the_account()
    found = [run for run in silent(escrow) if not named or run.job in named]
    if missing := named - {run.job for run in found}:
        refuse(f"Not silent: {', '.join(sorted(missing))}.", "List those that are: run lapse show")
    if not found:
        refuse("No running job is silent.", "Nothing has to lapse.")
    for run in found:
        what = (terms_of(escrow, run.job), run.provider)
        if fault := foresee(account, escrow.lapseJob, what):  # it has just reported, perhaps
            say(f"{run}: not any more ({fault})")
            continue
        send(account, escrow.lapseJob, *what)
        say(f"{run}: lapsed")


def show() -> None:
    """Reads only; needs no account."""
    found = silent(the_escrow())
    for run in found:
        say(str(run))
    say(f"{len(found)} silent")


def silent(escrow: Any) -> list[Silent]:
    """Every running job whose current attempt has not reported for the lapse time."""
    found, time, patience = [], now(), escrow.lapseAfter()
    for claim in (log.args for log in events(escrow, "JobClaimed")):
        run = escrow.runs(claim.jobId, claim.attempt, claim.provider)
        if run[4] != RunState.LIVE or time <= run[3] + patience:
            continue
        if escrow.stateOf(claim.jobId) == JobState.RUNNING:
            job = web3.to_hex(claim.jobId)
            found.append(Silent(job, str(claim.provider), claim.attempt, run[3]))
    return found
