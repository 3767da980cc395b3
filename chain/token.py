"""The token that jobs are paid in: ERC-20 with EIP-2612 permits, and a faucet on test networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from web3 import AsyncWeb3

from chain.calls import Call
from chain.interface import Abi, Interface
from chain.job import Address
from chain.rpc import Block, call, request

_PERMIT = {
    "Permit": [
        {"name": "owner", "type": "address"},
        {"name": "spender", "type": "address"},
        {"name": "value", "type": "uint256"},
        {"name": "nonce", "type": "uint256"},
        {"name": "deadline", "type": "uint256"},
    ]
}


@dataclass(frozen=True, slots=True)
class Permit:
    """An allowance by signature."""

    value: int  # base units
    deadline: int  # last second at which it may be used
    v: int
    r: bytes
    s: bytes


class Token:
    """One deployed token."""

    def __init__(self, w3: AsyncWeb3[Any], address: Address, abi: Abi) -> None:
        self.w3 = w3
        self.address = address
        self.interface = Interface(abi)

    async def balance_of(self, account: Address, block: Block = "latest") -> int:
        """Base units held."""
        return int(await self._read("balanceOf", block, account))

    async def allowance(self, owner: Address, spender: Address, block: Block = "latest") -> int:
        """Base units that the spender may still take."""
        return int(await self._read("allowance", block, owner, spender))

    async def nonces(self, owner: Address, block: Block = "latest") -> int:
        """Number of permits used."""
        return int(await self._read("nonces", block, owner))

    async def total_supply(self, block: Block = "latest") -> int:
        """Base units there are."""
        return int(await self._read("totalSupply", block))

    async def faucet_opens_at(self, account: Address, block: Block = "latest") -> int:
        """Second from which the account may use the faucet (again)."""
        return int(await self._read("faucetOpensAt", block, account))

    async def name(self) -> str:
        """Its name, which permits are signed for."""
        return str(await self._read("name", "latest"))

    def approve(self, spender: Address, amount: int) -> Call:
        """Let the spender take so much."""
        return self._call("approve", spender, amount)

    def transfer(self, to: Address, amount: int) -> Call:
        """Pay."""
        return self._call("transfer", to, amount)

    def faucet(self) -> Call:
        """Tokens for nothing; reverts `FaucetClosed` but on test networks."""
        return self._call("faucet")

    async def _read(self, name: str, block: Block, *values: object) -> Any:
        answer = await call(self.w3, self._call(name, *values), block)
        (found,) = self.interface.decode_result(name, answer)
        return found

    def _call(self, name: str, *values: object) -> Call:
        data = self.interface.encode(name, *values)
        return Call(self.address, data, label=name, errors=self.interface.errors)


async def sign_permit(
    account: LocalAccount, token: Token, spender: Address, value: int, deadline: int
) -> Permit:
    """EIP-2612: let the spender take `value` until `deadline`, once."""
    domain = {
        "name": await token.name(),
        "version": "1",
        "chainId": int(await request(token.w3, "eth_chainId"), 16),
        "verifyingContract": token.address,
    }
    message = {
        "owner": account.address,
        "spender": spender,
        "value": value,
        "nonce": await token.nonces(Address(account.address)),
        "deadline": deadline,
    }
    signed = account.sign_message(encode_typed_data(domain, _PERMIT, message))
    return Permit(value, deadline, signed.v, signed.r.to_bytes(32), signed.s.to_bytes(32))
