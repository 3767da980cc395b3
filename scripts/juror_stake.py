"""Stake tokens to be drawn as a juror: scripts/brownie.sh run juror_stake main AMOUNT --network NAME"""

from __future__ import annotations

from scripts.cases import require_no_draw
from scripts.market import send_with_tokens, the_account, the_court, the_escrow
from scripts.words import refuse, say, whole


def main(amount: str = "") -> None:
    """`amount` is in token base units; the chance to be drawn grows with what is staked."""
    more = whole(amount, "AMOUNT")
    court, account = the_court(the_escrow()), the_account()
    total, seat = court.jurors(account)[0] + more, court.parameters()[0]
    if more == 0 or total < seat:
        refuse(f"That would make a stake of {total}.", f"A juror needs {seat} or more.")
    require_no_draw(court)
    send_with_tokens(account, court, more, court.stake, more)
    say(f"{account.address} has staked {total}")
