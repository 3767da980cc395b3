"""Register as a provider, or bond more capacity; also ends an unbonding:
scripts/brownie.sh run register main UNITS CPU_MS MEMORY_MIB_S EGRESS_KIB WALL_S --network NAME

A unit is a thousandth of a core or a MiB of memory: jobs can be claimed up to what is bonded.
"""

from __future__ import annotations

from scripts.market import send_with_tokens, the_account, the_escrow
from scripts.words import RATES, rate_card, refuse, say, whole


def main(units: str = "", *rates: str) -> None:
    """The four rates are in token base units."""
    if len(rates) != len(RATES):
        refuse("Arguments are missing.", f"Give: UNITS {' '.join(RATES)}")
    more, card = whole(units, "UNITS", 2**32 - 1), rate_card(rates)
    escrow, account = the_escrow(), the_account()
    bonded, _, unbond_at = escrow.providers(account)[:3]
    total = bonded + more
    if total == 0:
        refuse("With 0 units no job can be claimed.", "2024 are a core and a GiB.")
    if total >= 2**32:
        refuse(f"That would make {total} units.", f"At most {2**32 - 1} can be bonded.")
    bond = more * escrow.bondPerUnit()
    send_with_tokens(account, escrow, bond, escrow.register, more, card)
    say(f"{account.address} is registered with {total} units; {bond} went into the bond")
    if unbond_at:
        say("its unbonding is over: it can claim again")
