"""Set the rates for later claims:
scripts/brownie.sh run set_rates main CPU_MS MEMORY_MIB_S EGRESS_KIB WALL_S --network NAME
"""

from __future__ import annotations

from scripts.market import refuse, say, the_account, the_escrow, whole

RATES = ("CPU_MS", "MEMORY_MIB_S", "EGRESS_KIB", "WALL_S")


def main(*rates: str) -> None:
    """The four rates are in token base units."""
    if len(rates) != len(RATES):
        refuse("Arguments are missing.", f"Give: {' '.join(RATES)}")
    card = tuple(whole(word, name) for word, name in zip(rates, RATES, strict=True))
    escrow, account = the_escrow(), the_account()
    if escrow.providers(account)[2] == 0:
        refuse(f"{account.address} is not registered.", "Run the register script first.")
    escrow.setRates(card, {"from": account})
    say(f"rate card {escrow.providers(account)[2]} of {account.address}: {card}")
