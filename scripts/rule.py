"""Rule a dispute, as the arbiter: scripts/brownie.sh run rule main JOB_ID ATTEMPT SHARE --network NAME

SHARE, of 10,000, goes to the provider.
"""

from __future__ import annotations

import re

from scripts.market import refuse, say, the_account, the_escrow, whole


def main(job_id: str = "", attempt: str = "", share: str = "") -> None:
    """Checks that there is a dispute and that the account may rule it."""
    if not re.fullmatch("0x[0-9a-fA-F]{64}", job_id):
        refuse("That is no job's id.", "Give: JOB_ID ATTEMPT SHARE")
    number, part = whole(attempt, "ATTEMPT"), whole(share, "SHARE")
    if part > 10_000:
        refuse(f"SHARE is {part}.", "It is at most 10000.")
    escrow, account = the_escrow(), the_account()
    if account.address != escrow.arbiter():
        refuse(f"{account.address} is not the arbiter.", f"The arbiter is {escrow.arbiter()}.")
    frozen = escrow.runs(job_id, number)[9]
    if not frozen:
        refuse(f"Attempt {number} of this job is not disputed.", "Check the id and the attempt.")
    escrow.rule(job_id, number, part, {"from": account})
    say(f"{part / 100} % of what was frozen goes to the provider")
