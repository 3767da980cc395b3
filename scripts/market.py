"""What the brownie scripts share: which escrow, and who acts. Both are checked before anything is sent."""

from __future__ import annotations

import os
import sys
from typing import Any, NoReturn

from brownie import DRaaSEscrow, ResourceToken, accounts, network, web3
from brownie.network.account import Account

LOCAL = {1337, 5777, 31337}


def refuse(message: str, fix: str) -> NoReturn:
    """End the script with what is wrong and what to do; nothing was sent."""
    sys.exit(f"✗ {message}\n  {fix}\n  Nothing was sent.")


def here() -> str:
    """The network, for messages."""
    return f"{network.show_active()} (chain {web3.eth.chain_id})"


def the_escrow() -> Any:
    """The escrow whose address is in ESCROW_ADDRESS."""
    address = os.environ.get("ESCROW_ADDRESS", "")
    if not address:
        refuse(
            "ESCROW_ADDRESS is not set.",
            "Set it to the escrow's address; `draas up` and the deploy script print it.",
        )
    if not web3.is_address(address):
        refuse(f"ESCROW_ADDRESS is not an address: {address!r}.", "It is 0x and 40 digits.")
    if not web3.eth.get_code(web3.to_checksum_address(address)):
        refuse(f"There is no contract at {address} on {here()}.", "Name another --network.")
    return DRaaSEscrow.at(address)


def the_token(escrow: Any) -> Any:
    """The token that this escrow pays in."""
    return ResourceToken.at(escrow.token())


def the_account() -> Account:
    """Who acts: DRAAS_PRIVATE_KEY, or the brownie keystore that BROWNIE_ACCOUNT names; a local chain's own first
    account when neither is set."""
    key, name = os.environ.get("DRAAS_PRIVATE_KEY"), os.environ.get("BROWNIE_ACCOUNT")
    if key:
        try:
            return accounts.add(key)
        except ValueError:
            refuse("DRAAS_PRIVATE_KEY is not a key.", "It is 0x and 64 hexadecimal digits.")
    if name:
        try:
            return accounts.load(name)
        except FileNotFoundError:
            refuse(f"There is no account {name!r}.", "List them: brownie accounts list")
    if web3.eth.chain_id in LOCAL and len(accounts) > 0:
        return accounts[0]
    refuse(
        f"There is no account to act with on {here()}.",
        "Set DRAAS_PRIVATE_KEY, or BROWNIE_ACCOUNT to the name of a brownie account.",
    )


def whole(word: str, name: str) -> int:
    """A whole number that is not negative, from the command line."""
    if not word.isdecimal():
        refuse(f"{name} is not a whole number: {word!r}.", "Amounts are in token base units.")
    return int(word)


def say(line: str) -> None:
    """One line for the reader."""
    sys.stdout.write(line + "\n")
