"""Take stake out of the court, all that is free when no amount is given:
scripts/brownie.sh run juror_unstake main [AMOUNT] --network NAME
"""

from __future__ import annotations

from scripts.cases import require_no_draw
from scripts.market import send, the_account, the_court, the_escrow
from scripts.words import refuse, say, whole


def main(amount: str = "") -> None:
    """`amount` is in token base units."""
    wanted = whole(amount, "AMOUNT") if amount else None
    court, account = the_court(the_escrow()), the_account()
    staked, locked = court.jurors(account)[:2]
    free = staked - locked
    less = free if wanted is None else wanted
    if less == 0:
        refuse(
            f"{account.address} has nothing free: {locked} of {staked} is locked.",
            "See that its cases end.",
        )
    if less > free:
        refuse(f"Of {staked} staked, {locked} is locked behind seats.", f"Take out {free} or less.")
    require_no_draw(court)
    send(account, court.unstake, less)
    say(f"{less} is out, {staked - less} stays")
