"""Split a dispute evenly that its arbitrator has not ruled in time; anybody may:
scripts/brownie.sh run rule_by_default main DISPUTE_ID --network NAME
"""

from __future__ import annotations

from scripts.cases import the_dispute
from scripts.market import at, now, send, the_account, the_escrow
from scripts.words import refuse, say


def main(dispute: str = "") -> None:
    """Checks that it is open and that its time is over."""
    number = the_dispute(dispute, "DISPUTE_ID")
    escrow, account = the_escrow(), the_account()
    record = escrow.disputes(number)
    if not record[3]:
        refuse(f"Dispute {number} is not open at {escrow.address}.", "Check its number.")
    due = record[4] + escrow.rulingTime()
    if now() <= due:
        refuse(f"Dispute {number} can still be ruled.", f"Until {at(due)}.")
    send(account, escrow.ruleByDefault, number)
    say(f"dispute {number} is split evenly")
