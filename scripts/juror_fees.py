"""Take out the fees that a juror has earned: scripts/brownie.sh run juror_fees --network NAME"""

from __future__ import annotations

from scripts.market import send, the_account, the_court, the_escrow
from scripts.words import refuse, say


def main() -> None:
    """They are in wei, and come when a case is tallied."""
    court, account = the_court(the_escrow()), the_account()
    fees = court.feesOf(account)
    if fees == 0:
        refuse(f"{account.address} has earned no fees.", "They come when a case is tallied.")
    send(account, court.withdrawFees)
    say(f"{fees} wei")
