"""Leave as a provider: the first run starts the unbonding, the next, when its time is over, takes the bond out.
scripts/brownie.sh run unbond --network NAME
"""

from __future__ import annotations

from datetime import UTC, datetime

from brownie import chain

from scripts.market import refuse, say, the_account, the_escrow


def main() -> None:
    """Does the step that is next."""
    escrow, account = the_escrow(), the_account()
    bond, unbond_at, _ = escrow.providers(account)
    if bond == 0:
        refuse(f"{account.address} has no bond.", "There is nothing to take out.")
    if unbond_at == 0:
        escrow.startUnbond({"from": account})
        unbond_at = escrow.providers(account)[1]
        say(f"no more claims; the bond comes out from {datetime.fromtimestamp(unbond_at, UTC)} on")
    elif chain[-1].timestamp < unbond_at:
        refuse("The bond is still locked.", f"Until {datetime.fromtimestamp(unbond_at, UTC)}.")
    else:
        escrow.withdrawBond({"from": account})
        say(f"{bond} is out")
