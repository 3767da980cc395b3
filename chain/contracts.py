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
from chain.headers import identity_of
from chain.interface import CODEC, Abi, Interface, from_abi, types_of
from chain.job import Address, Parameters
from chain.rpc import request

__all__ = [
    "AddressBook",
    "Artifact",
    "Artifacts",
    "CourtParameters",
    "compile_contracts",
    "deploy",
]
SUPPLY = 1_000_000 * 10**18


@dataclass(frozen=True, slots=True)
class AddressBook:
    """Where the contracts are on one chain. One JSON file a chain, with the ABIs, so that nothing else needs a
    compiler."""

    chain_id: int
    genesis: str  # hash of block 0: tells apart chains that share an id
    token: Address
    escrow: Address
    court: Address  # rules the escrow's disputes
    deployed_at_block: int
    escrow_abi: Abi
    token_abi: Abi
    court_abi: Abi

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


@dataclass(frozen=True, slots=True)
class CourtParameters:
    """What the court's deployment fixed; seconds, base units, wei and basis points. Fields in the contract's order."""

    seat_stake: int  # base units a juror has locked for each seat
    jurors: int  # of a first panel; odd
    fee_per_juror: int  # wei
    draw_time: int  # that `longest_case` allows for a draw and the two blocks before it
    commit_time: int
    reveal_time: int
    appeal_time: int
    coherence: int  # basis points: a share this near to the median is paid
    penalty: int  # basis points of the seat stake lost for not revealing
    max_appeals: int  # of one dispute

    @property
    def longest_case(self) -> int:
        """The most seconds to a final ruling, if somebody draws within `draw_time` and tallies at once: every round
        may be drawn twice."""
        panel = self.draw_time + self.commit_time + self.reveal_time
        return 2 * panel * (self.max_appeals + 1) + self.appeal_time * self.max_appeals


async def deploy(
    w3: AsyncWeb3[Any],
    account: LocalAccount,
    params: Parameters,
    court_params: CourtParameters,
    *,
    home: Path,
    meta_evidence: str = "",
    holder: Address | None = None,
    artifacts: Artifacts | None = None,
) -> AddressBook:
    """Put the token, the court and the escrow on the chain, and write the address book under `home`.

    Args:
        w3: the chain.
        account: pays for the deployment; nothing else is special about it afterwards.
        params: spans and bonds of the escrow, fixed for good.
        court_params: of the court, which rules the escrow's disputes.
        home: DRAAS_HOME.
        meta_evidence: path on IPFS of what disputes are about (ERC-1497).
        holder: gets the token's whole supply; `account` by default.
        artifacts: the compiled contracts, when the caller has them already.

    Raises:
        InvalidInput: the court can need longer for a ruling than the escrow waits.
        Reverted: a contract refuses its parameters.
        Unavailable: the node does not answer, or the deployment is not mined.
    """
    if court_params.longest_case > params.ruling_time:
        raise InvalidInput(
            f"The court may need {court_params.longest_case} seconds for a case, and the escrow splits a dispute "
            f"evenly after {params.ruling_time}.",
            "Give the court less time or fewer appeals, or the escrow a longer ruling time.",
        )
    made = artifacts
    if made is None:
        made = await asyncio.to_thread(compile_contracts)
    chain_id, genesis = await identity_of(w3)
    holder = holder or Address(account.address)
    token, _ = await _create(w3, account, made.token, holder, SUPPLY)
    court, _ = await _create(w3, account, made.court, token, astuple(court_params))
    arguments = (token, court, meta_evidence, astuple(params))
    escrow, block = await _create(w3, account, made.escrow, *arguments)
    book = AddressBook(
        chain_id=chain_id,
        genesis=genesis,
        token=token,
        escrow=escrow,
        court=court,
        deployed_at_block=block,
        escrow_abi=made.escrow.abi,
        token_abi=made.token.abi,
        court_abi=made.court.abi,
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
