"""Leave as a provider: the first run starts the unbonding, the next, when its time is over, takes the bond out.
scripts/brownie.sh run unbond --network NAME
"""

from __future__ import annotations

from scripts.market import at, now, send, the_account, the_escrow
from scripts.words import refuse, say


def main() -> None:
    """Does the step that is next."""
    escrow, account = the_escrow(), the_account()
    bonded, reserved, unbond_at = escrow.providers(account)[:3]
    if bonded == 0:
        refuse(f"{account.address} has no bond.", "There is nothing to take out.")
    if unbond_at == 0:
        send(account, escrow.startUnbond)
        unbond_at = escrow.providers(account)[2]
        say(
            f"no more claims; the bond comes out from {at(unbond_at)} on, if no run is left by then"
        )
        return
    if reserved:
        refuse(
            f"Runs of {account.address} hold {reserved} units and are not settled.",
            "Complete them, or have the refund or the lapse script run for those that are over.",
        )
    if now() < unbond_at:
        refuse("The bond is still locked.", f"Run this again from {at(unbond_at)} on.")
    send(account, escrow.withdrawBond)
    say(f"{bonded * escrow.bondPerUnit()} is out, the bond of {bonded} units")
