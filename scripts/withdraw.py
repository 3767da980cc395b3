"""Withdraw all that is final of the account's runs, and its credit:
scripts/brownie.sh run withdraw main [FROM_BLOCK] --network NAME
"""

from __future__ import annotations

from brownie import web3

from scripts.list_open_jobs import RANGE
from scripts.market import refuse, say, the_account, the_escrow, whole


def main(from_block: str = "0") -> None:
    """Finds the account's claims in the events, and takes them in one transaction."""
    escrow, account = the_escrow(), the_account()
    event = web3.eth.contract(address=escrow.address, abi=escrow.abi).events.JobClaimed
    head, refs = web3.eth.block_number, []
    for start in range(whole(from_block, "FROM_BLOCK"), head + 1, RANGE):
        logs = event.get_logs(
            from_block=start,
            to_block=min(start + RANGE - 1, head),
            argument_filters={"provider": account.address},
        )
        refs += [(log.args.jobId, log.args.attempt) for log in logs]
    due = {ref: escrow.withdrawableOf(*ref) for ref in refs}
    payable = [ref for ref, amount in due.items() if amount]
    credit = escrow.creditOf(account)
    if not payable and not credit:
        refuse(f"Nothing of {account.address} is final yet.", "Try again when the window is over.")
    if payable:
        escrow.withdraw(payable, {"from": account})
        say(f"{sum(due.values())} from {len(payable)} runs")
    if credit:
        escrow.withdrawCredit({"from": account})
        say(f"{credit} of credit")
