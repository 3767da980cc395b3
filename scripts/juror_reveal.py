"""Show the vote that was committed to: scripts/brownie.sh run juror_reveal main DISPUTE_ID --network NAME

It is read from DRAAS_HOME (~/.draas when unset), where juror_commit has left it.
"""

from __future__ import annotations

from hexbytes import HexBytes

from scripts.ballots import find
from scripts.cases import Phase, the_dispute, the_seat
from scripts.market import send, the_account, the_court, the_escrow
from scripts.words import refuse, say


def main(dispute: str = "") -> None:
    """Checks that there is a vote to show and that it is time."""
    number = the_dispute(dispute, "DISPUTE_ID")
    court, account = the_court(the_escrow()), the_account()
    round_number, vote = the_seat(court, number, account, Phase.REVEALING)
    commitment = "0x" + bytes(HexBytes(vote[3])).hex()
    if int(commitment, 16) == 0:
        refuse(f"{account.address} has not committed to a vote.", "It is too late for that now.")
    if vote[1]:
        refuse(f"{account.address} has revealed its vote already.", "Wait for the others.")
    ballot = find(court, number, round_number, account, commitment)
    send(account, court.reveal, number, ballot.share, "0x" + ballot.salt)
    say(f"{ballot.share} of 10000 for the provider in dispute {number}")
