"""Withdraw all that is final of the account's runs, and its credit, in one transaction:
scripts/brownie.sh run withdraw main [FROM_BLOCK] --network NAME
"""

from __future__ import annotations

from scripts.jobs import events
from scripts.market import send, the_account, the_escrow
from scripts.words import refuse, say

MOST = 500  # runs in one transaction, which a block has room for


def main(from_block: str = "") -> None:
    """Finds the account's claims in the events."""
    escrow, account = the_escrow(), the_account()
    claims = events(escrow, "JobClaimed", from_block, provider=account.address)
    refs = [(log.args.jobId, log.args.attempt) for log in claims]
    due = {ref: escrow.withdrawableOf(*ref, account) for ref in refs}
    payable = [ref for ref, amount in due.items() if amount]
    later = len(payable[MOST:])
    payable = payable[:MOST]
    credit = escrow.creditOf(account)
    if not payable and not credit:
        refuse(f"Nothing of {account.address} is final yet.", "Try again when the window is over.")
    send(account, escrow.withdraw, payable)
    say(f"{sum(due[ref] for ref in payable)} from {len(payable)} runs and {credit} of credit")
    if later:
        say(f"run this again for {later} runs more")
