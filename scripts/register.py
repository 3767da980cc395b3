"""Register as a provider, or add to the bond:
scripts/brownie.sh run register main BOND CPU_MS MEMORY_MIB_S EGRESS_KIB WALL_S --network NAME
"""

from __future__ import annotations

from scripts.market import refuse, say, the_account, the_escrow, the_token, whole

RATES = ("CPU_MS", "MEMORY_MIB_S", "EGRESS_KIB", "WALL_S")


def main(bond: str = "", *rates: str) -> None:
    """`bond` and the four rates are in token base units."""
    if len(rates) != len(RATES):
        refuse("Arguments are missing.", f"Give: BOND {' '.join(RATES)}")
    amount = whole(bond, "BOND")
    card = tuple(whole(word, name) for word, name in zip(rates, RATES, strict=True))
    escrow, account = the_escrow(), the_account()
    token = the_token(escrow)
    if token.balanceOf(account) < amount:
        refuse(f"{account.address} holds less than the bond of {amount}.", "Get tokens first.")
    total = escrow.providers(account)[0] + amount
    if total < escrow.minBond():
        refuse(f"The bond would be {total}.", f"The least is {escrow.minBond()}.")
    if amount:
        token.approve(escrow, amount, {"from": account})
    escrow.register(amount, card, {"from": account})
    say(f"{account.address} is registered with a bond of {total}")
