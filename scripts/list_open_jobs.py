"""List the jobs that can be claimed: scripts/brownie.sh run list_open_jobs main [FROM_BLOCK] --network NAME"""

from __future__ import annotations

from brownie import web3

from scripts.jobs import JobState, events
from scripts.market import at, the_escrow
from scripts.words import say


def main(from_block: str = "") -> None:
    """Reads only; needs no account."""
    escrow, found = the_escrow(), 0
    for log in events(escrow, "JobPosted", from_block):
        if escrow.stateOf(log.args.jobId) != JobState.OPEN:
            continue
        found += 1
        terms, job = log.args.terms, escrow.jobs(log.args.jobId)
        say(
            f"{web3.to_hex(log.args.jobId)}  deposit {job[0]}  {terms.cid}\n"
            f"  {terms.resources.cpuMillis} m CPU, {terms.resources.memoryMib} MiB,"
            f" {terms.resources.egressKibS} KiB/s for {job[5]} s; at most"
            f" {' '.join(str(rate) for rate in terms.maxRates.values())};"
            f" scheduler {terms.scheduler}; claim by {at(job[4])}"
        )
    say(f"{found} open")
