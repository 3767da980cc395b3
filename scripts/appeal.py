"""Have a ruled dispute judged anew by more jurors, as a party, who pays them:
scripts/brownie.sh run appeal main DISPUTE_ID --network NAME
"""

from __future__ import annotations

from scripts.cases import Phase, stands, the_dispute, the_open_dispute
from scripts.market import send, the_account, the_court, the_escrow
from scripts.words import refuse, say


def main(dispute: str = "") -> None:
    """Checks that the ruling is open to appeal."""
    number = the_dispute(dispute, "DISPUTE_ID")
    escrow, account = the_escrow(), the_account()
    the_open_dispute(escrow, number, account)
    court = the_court(escrow)
    if court.phaseOf(number)[0] != Phase.APPEALABLE:
        refuse(stands(court, number), "A dispute can be appealed for a time after it was ruled.")
    cost = court.appealCost(number, b"")
    send(account, escrow.appeal, number, value=cost)
    say(f"dispute {number} is judged anew, for {cost} wei")
