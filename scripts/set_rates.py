"""Set the rates for later claims:
scripts/brownie.sh run set_rates main CPU_MS MEMORY_MIB_S EGRESS_KIB WALL_S --network NAME
"""

from __future__ import annotations

from scripts.market import send, the_account, the_escrow
from scripts.words import RATES, rate_card, refuse, say


def main(*rates: str) -> None:
    """The four rates are in token base units."""
    if len(rates) != len(RATES):
        refuse("Arguments are missing.", f"Give: {' '.join(RATES)}")
    card = rate_card(rates)
    escrow, account = the_escrow(), the_account()
    number = escrow.providers(account)[3]
    if number == 0:
        refuse(f"{account.address} is not registered.", "Run the register script first.")
    if tuple(escrow.ratesOf(account, number)) == card:
        refuse(f"These are the rates of {account.address} already.", "Give others.")
    send(account, escrow.setRates, card)
    say(f"rate card {escrow.providers(account)[3]} of {account.address}: {card}")
