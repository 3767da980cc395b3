"""The contracts on a chain: deployed, and found again by an address book."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

from eth_account.signers.local import LocalAccount
from web3 import AsyncWeb3

from chain.compiler import Artifact, Artifacts, compile_contracts, write_whole
from chain.errors import Conflict, InvalidInput, NotFound
from chain.fees import quote, wait_for_receipt
from chain.interface import CODEC, Abi, Interface, from_abi, types_of
from chain.job import Address, Parameters
from chain.rpc import request

__all__ = ["AddressBook", "Artifact", "Artifacts", "compile_contracts", "deploy"]
DEFAULT_SUPPLY = 1_000_000 * 10**18


@dataclass(frozen=True, slots=True)
class AddressBook:
    """Where the contracts are on one chain. One JSON file a chain, with the ABIs, so that nothing else needs a
    compiler."""

    chain_id: int
    genesis: str  # hash of block 0: tells apart chains that share an id
    token: Address
    escrow: Address
    deployed_at_block: int
    escrow_abi: Abi
    token_abi: Abi

    @staticmethod
    def path(home: Path, chain_id: int) -> Path:
        """The file of one chain."""
        return home / "addresses" / f"{chain_id}.json"

    @classmethod
    def load(cls, home: Path, chain_id: int) -> AddressBook:
        """The book of one chain.

        Raises:
            NotFound: there is none.
            InvalidInput: it cannot be read.
        """
        path = cls.path(home, chain_id)
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise NotFound(
                f"No contracts are known on chain {chain_id}.",
                f"Run `draas up`, or put the market's address book at {path}.",
            ) from None
        except (ValueError, TypeError):
            raise InvalidInput(
                f"{path} is no address book.", "Remove it and deploy again."
            ) from None

    def save(self, home: Path) -> Path:
        """Write the book; readers see the old one or the new one."""
        path = self.path(home, self.chain_id)
        write_whole(path, json.dumps(asdict(self), indent=1) + "\n")
        return path


async def deploy(
    w3: AsyncWeb3[Any],
    account: LocalAccount,
    params: Parameters,
    arbiter: Address,
    *,
    home: Path,
    holder: Address | None = None,
    supply: int = DEFAULT_SUPPLY,
    artifacts: Artifacts | None = None,
) -> AddressBook:
    """Put the token and the escrow on the chain, and write the address book under `home`.

    Args:
        w3: the chain.
        account: pays for the deployment; nothing else is special about it afterwards.
        params: spans and bonds, fixed for good.
        arbiter: rules disputes.
        home: DRAAS_HOME.
        holder: gets the token's whole supply; `account` by default.
        supply: in base units.
        artifacts: the compiled contracts, when the caller has them already.

    Raises:
        Reverted: the escrow refuses the parameters.
        Unavailable: the node does not answer, or the deployment is not mined.
    """
    made = artifacts
    if made is None:
        made = await asyncio.to_thread(compile_contracts)
    genesis = await request(w3, "eth_getBlockByNumber", "0x0", False)
    holder = holder or Address(account.address)
    token, _ = await _create(w3, account, made.token, holder, supply)
    escrow, block = await _create(w3, account, made.escrow, token, arbiter, astuple(params))
    book = AddressBook(
        chain_id=int(await request(w3, "eth_chainId"), 16),
        genesis=genesis["hash"],
        token=token,
        escrow=escrow,
        deployed_at_block=block,
        escrow_abi=made.escrow.abi,
        token_abi=made.token.abi,
    )
    book.save(home)
    return book


async def _create(
    w3: AsyncWeb3[Any], account: LocalAccount, made: Artifact, *arguments: object
) -> tuple[Address, int]:
    """The new contract's address, and the block it is in."""
    (inputs,) = [one.get("inputs", []) for one in made.abi if one["type"] == "constructor"]
    data = made.bytecode + CODEC.encode(types_of(inputs), arguments)
    errors = Interface(made.abi).errors
    wanted = {"from": account.address, "data": "0x" + data.hex()}
    gas = int(await request(w3, "eth_estimateGas", wanted, errors=errors), 16)
    nonce = await request(w3, "eth_getTransactionCount", account.address, "latest")
    transaction: dict[str, Any] = {
        "chainId": int(await request(w3, "eth_chainId"), 16),
        "nonce": int(nonce, 16),
        "gas": gas,
        "data": data,
        "value": 0,
        **(await quote(w3)).fields(),
    }
    signed = account.sign_transaction(transaction)
    raw = "0x" + bytes(signed.raw_transaction).hex()
    tx_hash = await request(w3, "eth_sendRawTransaction", raw)
    receipt = await wait_for_receipt(w3, tx_hash)
    if int(receipt["status"], 16) != 1:
        raise Conflict(
            "A contract was not created.", "Deploy again; the chain refused it when mined."
        )
    return from_abi(Address, receipt["contractAddress"]), int(receipt["blockNumber"], 16)
