"""Deploy the token and the escrow: scripts/brownie.sh run deploy --network NAME

TOKEN_ADDRESS takes a token that exists; ARBITER another arbiter than the deployer. Spans, in seconds: WINDOW,
LAPSE_AFTER, SETTLE_GRACE, RULING_TIME, UNBOND_TIME; bonds, in base units: MIN_BOND, DISPUTE_BOND.
"""

from __future__ import annotations

import os

from brownie import DRaaSEscrow, ResourceToken, web3

from scripts.market import LOCAL, here, refuse, say, the_account, whole

HOUR = 3600
RULES = {
    "WINDOW": 6 * HOUR,
    "LAPSE_AFTER": HOUR // 4,
    "SETTLE_GRACE": HOUR // 2,
    "MIN_BOND": 100 * 10**18,
    "DISPUTE_BOND": 10 * 10**18,
    "RULING_TIME": 72 * HOUR,
    "UNBOND_TIME": 7 * 24 * HOUR,
}
SUPPLY = 10**9 * 10**18


def main() -> None:
    """Send the deployment and print the two addresses."""
    rules = [whole(os.environ.get(name, str(value)), name) for name, value in RULES.items()]
    account = the_account()
    arbiter = os.environ.get("ARBITER", account.address)
    token = os.environ.get("TOKEN_ADDRESS", "")
    if token and not web3.eth.get_code(web3.to_checksum_address(token)):
        refuse(f"There is no contract at {token} on {here()}.", "Check TOKEN_ADDRESS.")
    if not token and web3.eth.chain_id not in {*LOCAL, 11155111}:
        refuse(f"{here()} is not a test network.", "Set TOKEN_ADDRESS to the token to be used.")
    if not token:
        token = ResourceToken.deploy(account, SUPPLY, {"from": account}).address
    escrow = DRaaSEscrow.deploy(token, arbiter, rules, {"from": account})
    say(f"token  {token}\nescrow {escrow.address}\non     {here()}")
