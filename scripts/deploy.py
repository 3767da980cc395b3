"""Deploy the token, the court and the escrow: scripts/brownie.sh run deploy --network NAME

TOKEN_ADDRESS takes a token that exists, and ARBITRATOR_ADDRESS another arbitrator (ERC-792) than a new court of ours.
META_EVIDENCE is the document on IPFS that tells jurors what disputes are about (ERC-1497). The environment may change
any of the parameters: scripts/parameters.py lists their names and defaults.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from brownie import DRaaSCourt, DRaaSEscrow, ResourceToken, web3

from scripts.market import (
    FAILURES,
    LOCAL,
    here,
    is_a,
    require_contract,
    require_ether,
    the_account,
    why,
)
from scripts.parameters import (
    COURT,
    ESCROW,
    LOCAL_COURT,
    LOCAL_ESCROW,
    check_court,
    check_escrow,
    from_environment,
    last_appeal,
    longest_case,
)
from scripts.words import address, ipfs_path, refuse, say

SEPOLIA = 11155111
SUPPLY = 10**9 * 10**18
GAS = {
    "token": 1_500_000,
    "court": 4_500_000,
    "escrow": 5_900_000,
}  # a little above what each needs


def main() -> None:
    """Send what is missing, and print the addresses one by one."""
    local = web3.eth.chain_id in LOCAL
    court = from_environment(LOCAL_COURT if local else COURT)
    escrow = from_environment(LOCAL_ESCROW if local else ESCROW)
    check_court(court)
    account = the_account()
    token, arbitrator = existing("TOKEN_ADDRESS"), existing("ARBITRATOR_ADDRESS")
    if arbitrator:
        check_escrow(escrow, longest_of(arbitrator, token))
    else:
        check_escrow(escrow, longest_case(court), last_appeal(court))
    if not token and not local and web3.eth.chain_id != SEPOLIA:
        refuse(f"{here()} is not a test network.", "Set TOKEN_ADDRESS to the token to be used.")
    evidence = meta_evidence(local)
    gas = sum(
        GAS[part]
        for part, given in (("token", token), ("court", arbitrator), ("escrow", ""))
        if not given
    )
    require_ether(account, gas * web3.eth.gas_price)
    say(f"on     {here()}")
    token = token or deployed(ResourceToken, account, account.address, SUPPLY)
    say(f"token  {token}")
    arbitrator = arbitrator or deployed(DRaaSCourt, account, token, tuple(court.values()))
    say(f"court  {arbitrator}")
    parameters = tuple(escrow.values())
    say(f"escrow {deployed(DRaaSEscrow, account, token, arbitrator, evidence, parameters)}")


def deployed(kind: Any, account: Any, *arguments: Any) -> str:
    """The address of a new contract. Brownie's own `deploy` fails on live networks, when it writes that down."""
    data = kind.deploy.encode_input(*arguments)
    try:
        return str(account.transfer(data=data).contract_address)
    except FAILURES as error:
        sys.exit(f"✗ The deployment of {kind._name} failed: {why(error)}")


def existing(name: str) -> str:
    """The address of a contract that the environment names; empty when it does not."""
    where = os.environ.get(name, "")
    if where:
        require_contract(address(where, name))
        where = str(web3.to_checksum_address(where))
    return where


def longest_of(arbitrator: str, token: str) -> int:
    """Seconds that a case at this arbitrator can take; 0 when it is no court of ours, and does not tell."""
    if not is_a(DRaaSCourt, arbitrator):
        say(
            "! The arbitrator does not tell how long a case can take: see that RULING_TIME is enough."
        )
        return 0
    court = DRaaSCourt.at(arbitrator, persist=False)
    if token and court.token() != token:
        say(f"! Jurors of this court stake another token: {court.token()}.")
    return int(court.longestCase())


def meta_evidence(local: bool) -> str:
    """Path of the document that says what disputes are about; a chain on one machine can do without."""
    document = os.environ.get("META_EVIDENCE", "")
    if not document and not local:
        refuse(
            "META_EVIDENCE is not set, and jurors could not know what to judge.",
            "Put the document on IPFS (ERC-1497), and set this to its CID.",
        )
    return ipfs_path(document) if document else ""
