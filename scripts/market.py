"""What the brownie scripts share: which contracts, who acts, and how a transaction is sent. All of it is checked
before anything is sent."""

from __future__ import annotations

import os
import re
import sys
from datetime import UTC, datetime
from typing import Any

from brownie import DRaaSCourt, DRaaSEscrow, ResourceToken, accounts, network, web3
from brownie.exceptions import VirtualMachineError, decode_typed_error
from brownie.network.account import Account
from web3.exceptions import Web3Exception

from scripts.words import address, refuse

LOCAL = {1337, 5777, 31337}
FAILURES = (VirtualMachineError, ValueError, Web3Exception)  # the last on live networks


def here() -> str:
    """The network, for messages."""
    return f"{network.show_active()} (chain {web3.eth.chain_id})"


def now() -> int:
    """The chain's time, in seconds: that of its newest block."""
    return int(web3.eth.get_block("latest")["timestamp"])


def at(second: int) -> str:
    """A second of the chain's time, for messages."""
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M:%S} UTC"


def is_a(kind: Any, where: str) -> bool:
    """Whether the code at an address knows every function of this kind of contract."""
    code = bytes(web3.eth.get_code(web3.to_checksum_address(where)))
    selectors = (bytes.fromhex(selector[2:]) for selector in kind.signatures.values())
    return all(selector.lstrip(b"\0") in code for selector in selectors)


def the_escrow() -> Any:
    """The escrow whose address is in ESCROW_ADDRESS."""
    where = os.environ.get("ESCROW_ADDRESS", "")
    if not where:
        refuse(
            "ESCROW_ADDRESS is not set.",
            "Set it to the escrow's address; `draas up` and the deploy script print it.",
        )
    require_contract(address(where, "ESCROW_ADDRESS"))
    if not is_a(DRaaSEscrow, where):
        refuse(
            f"The contract at {where} on {here()} is not an escrow of this version.",
            "Check ESCROW_ADDRESS, or name another --network.",
        )
    return DRaaSEscrow.at(where, persist=False)


def require_contract(where: str) -> None:
    """Refuse when there is no contract at an address."""
    if not web3.eth.get_code(web3.to_checksum_address(where)):
        refuse(f"There is no contract at {where} on {here()}.", "Name another --network.")


def the_token(market: Any) -> Any:
    """The token that this escrow pays in, or that this court's jurors stake."""
    return ResourceToken.at(market.token(), persist=False)


def the_court(escrow: Any) -> Any:
    """The court that rules this escrow's disputes."""
    where = escrow.arbitrator()
    if not is_a(DRaaSCourt, where):
        refuse(f"The arbitrator at {where} is not a court of ours.", "Act there by its own means.")
    return DRaaSCourt.at(where, persist=False)


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
            refuse(
                f"There is no account {name!r}.",
                "List them: scripts/brownie.sh accounts list, with BROWNIE_HOME as now.",
            )
        except (ValueError, EOFError):
            refuse(f"That does not open the account {name!r}.", "Give its password.")
    if web3.eth.chain_id in LOCAL and len(accounts) > 0:
        return accounts[0]
    refuse(
        f"There is no account to act with on {here()}.",
        "Set DRAAS_PRIVATE_KEY, or BROWNIE_ACCOUNT to the name of a brownie account.",
    )


def send(account: Account, method: Any, *arguments: Any, value: int = 0) -> Any:
    """Send one transaction, after the chain was asked whether it would succeed and what it costs.

    Args:
        value: wei that go with it.
    """
    require_ether(account, value)
    if fault := foresee(account, method, arguments, value):
        refuse(f"The contract refuses this: {fault}", "Look again when its state has changed.")
    try:
        gas = method.estimate_gas(*arguments, {"from": account, "value": value}) * 5 // 4
    except FAILURES as error:
        refuse(f"The gas cannot be estimated: {why(error)}", "Look again in a while.")
    require_ether(account, value + gas * web3.eth.gas_price)
    try:
        return method(*arguments, {"from": account, "value": value, "gas_limit": gas})
    except FAILURES as error:
        sys.exit(f"✗ The transaction was sent and failed: {why(error)}")


def send_with_tokens(
    account: Account, contract: Any, tokens: int, method: Any, *arguments: Any, value: int = 0
) -> Any:
    """The same for a method that takes so many base units by allowance; a missing allowance is given first."""
    token = the_token(contract)
    held = token.balanceOf(account)
    if held < tokens:
        refuse(
            f"{account.address} holds {held} base units of the token at {token.address},"
            f" and {tokens} are needed.",
            "Get tokens first.",
        )
    if token.allowance(account, contract) < tokens:
        require_ether(account, value)
        fault = foresee(account, method, arguments, value)
        if fault.split(":")[0] in errors_of(contract):  # not for want of the allowance
            refuse(f"The contract refuses this: {fault}", "Look again when its state has changed.")
        send(account, token.approve, contract, tokens)
        if fault := foresee(account, method, arguments, value):
            sys.exit(f"✗ Only the allowance of {tokens} was sent; the rest is refused: {fault}")
    return send(account, method, *arguments, value=value)


def errors_of(contract: Any) -> set[str]:
    """Names of the errors that are this contract's own, and not of its token."""
    names = {item["name"] for item in contract.abi if item["type"] == "error"}
    return {name for name in names if "ERC20" not in name}


def foresee(sender: Any, method: Any, arguments: tuple[Any, ...], value: int = 0) -> str:
    """Why a transaction would be refused; empty when it would not."""
    try:
        method.call(*arguments, {"from": sender, "value": value})
    except FAILURES as error:
        return why(error)
    return ""


def why(error: Exception) -> str:
    """A failure in words: the name of the contract's error, with its values unless they are hashes."""
    data = getattr(error, "data", None)
    if isinstance(data, str) and len(data) >= 10:
        text = decode_typed_error(data)
    else:
        text = str(getattr(error, "revert_msg", None) or error)
    return text.split(":")[0] if re.search("b['\"]", text) else text


def require_ether(account: Account, wei: int) -> None:
    """Refuse when an account cannot pay."""
    if account.balance() < wei:
        refuse(
            f"{account.address} holds {account.balance()} wei on {here()}, and {wei} are needed.",
            "Send it some ether first.",
        )
