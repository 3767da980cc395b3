"""A provider's bond and record: scripts/brownie.sh run provider_record main [ADDRESS] --network NAME

The address is the acting account's when none is given.
"""

from __future__ import annotations

from scripts.market import at, the_account, the_escrow
from scripts.words import RATES, address, refuse, say


def main(provider: str = "") -> None:
    """Reads only."""
    who = address(provider, "ADDRESS") if provider else ""
    escrow = the_escrow()
    who = who or the_account().address
    bonded, reserved, unbond_at, card, completed, lapsed, lost, earned = escrow.providers(who)
    if card == 0:
        refuse(f"{who} is not registered.", "The register script does that.")
    rates = zip(RATES, escrow.ratesOf(who, card), strict=True)
    say(
        f"provider       {who}\n"
        f"bond           {bonded} units, {bonded * escrow.bondPerUnit()} base units\n"
        f"reserved       {reserved} units\n"
        f"completed      {completed} runs\n"
        f"lapsed         {lapsed} runs\n"
        f"disputes lost  {lost}\n"
        f"earned         {earned} base units, by settled runs\n"
        f"rates          {', '.join(f'{name} {rate}' for name, rate in rates)} (card {card})\n"
        f"leaving        {f'bond free from {at(unbond_at)} on' if unbond_at else 'no'}"
    )
