"""List the jobs that can be claimed: scripts/brownie.sh run list_open_jobs main [FROM_BLOCK] --network NAME"""

from __future__ import annotations

from brownie import web3

from scripts.market import say, the_escrow, whole

OPEN = 1
RANGE = 2000  # blocks in one request; nodes refuse long ranges


def main(from_block: str = "0") -> None:
    """Reads only; needs no account."""
    escrow = the_escrow()
    event = web3.eth.contract(address=escrow.address, abi=escrow.abi).events.JobPosted
    head, first, found = web3.eth.block_number, whole(from_block, "FROM_BLOCK"), 0
    for start in range(first, head + 1, RANGE):
        for log in event.get_logs(from_block=start, to_block=min(start + RANGE - 1, head)):
            if escrow.stateOf(log.args.jobId) != OPEN:
                continue
            found += 1
            deposit = escrow.jobs(log.args.jobId)[0]
            say(f"{web3.to_hex(log.args.jobId)}  deposit {deposit}  {log.args.terms.cid}")
    say(f"{found} open")
