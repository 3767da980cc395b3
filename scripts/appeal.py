"""Have a ruled dispute judged anew by more jurors, as a party, who pays them:
scripts/brownie.sh run appeal main DISPUTE_ID --network NAME
"""

from __future__ import annotations

from eth_abi import encode

from scripts.cases import the_arbitrator, the_dispute, the_open_dispute
from scripts.market import at, now, send, the_account, the_escrow
from scripts.words import refuse, say


def main(dispute: str = "") -> None:
    """Checks that the ruling is open to appeal. Any arbitrator's can be (ERC-792)."""
    number = the_dispute(dispute, "DISPUTE_ID")
    escrow, account = the_escrow(), the_account()
    record = the_open_dispute(escrow, number, account)
    _, provider, _, _, opened_at, consumer, _, opener = record
    until = opened_at + escrow.rulingTime() // 2
    if now() > until:
        refuse(
            f"Dispute {number} could be appealed until {at(until)}.",
            "It will be ruled, or split evenly.",
        )
    arbitrator = the_arbitrator(escrow)
    start, end = arbitrator.appealPeriod(number)
    if not start <= now() < end:
        when = (
            f"It could be from {at(start)} to {at(end)}."
            if end
            else "It was not ruled, or for good."
        )
        refuse(f"Dispute {number} cannot be appealed now.", when)
    how = [escrow.courtId(), escrow.minJurors(), consumer, provider, opener]  # as the escrow asks
    extra = encode(["uint256", "uint256", "address", "address", "address"], how)
    cost = arbitrator.appealCost(number, extra)
    send(account, escrow.appeal, number, value=cost)
    say(f"dispute {number} is judged anew, for {cost} wei")
