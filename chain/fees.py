"""What gas is paid for, on chains with and without EIP-1559."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from web3 import AsyncWeb3

from chain.errors import Unavailable
from chain.rpc import NodeRefused, request

_GWEI = 10**9
_DEFAULT_TIP = _GWEI
# A node takes a replacement from a rise of 10 % on (geth; others ask for as much or less).
_BUMP_PERCENT = 25
_POLL_S = (0.05, 1.0)


@dataclass(frozen=True, slots=True)
class Fees:
    """Wei for one unit of gas. Without a tip: a legacy transaction's gas price."""

    most: int
    tip: int | None

    def fields(self) -> dict[str, int]:
        """As they stand in a transaction."""
        if self.tip is None:
            return {"gasPrice": self.most}
        return {"type": 2, "maxFeePerGas": self.most, "maxPriorityFeePerGas": self.tip}

    def replacing(self, old: Fees, limit: int) -> Fees | None:
        """Fees at which a node takes this in place of one at `old`; None when that would pass the limit."""
        most = max(self.most, old.most + old.most * _BUMP_PERCENT // 100 + 1)
        if most > limit:
            return None
        if self.tip is None or old.tip is None:
            return Fees(most, None)
        return Fees(most, min(most, max(self.tip, old.tip + old.tip * _BUMP_PERCENT // 100 + 1)))


async def quote(w3: AsyncWeb3[Any]) -> Fees:
    """What the chain asks now: room for the base fee to double, and the tip that the node proposes."""
    block = await request(w3, "eth_getBlockByNumber", "latest", False)
    base = block.get("baseFeePerGas")
    if base is None:
        return Fees(int(await request(w3, "eth_gasPrice"), 16), None)
    try:
        tip = int(await request(w3, "eth_maxPriorityFeePerGas"), 16)
    except NodeRefused:  # not every node has a proposal
        tip = _DEFAULT_TIP
    return Fees(2 * int(base, 16) + tip, tip)


async def wait_for_receipt(
    w3: AsyncWeb3[Any], tx_hash: str, within_s: float = 120
) -> dict[str, Any]:
    """The receipt of a transaction, once it is mined.

    Raises:
        Unavailable: it was not, in time.
    """
    pause, ends = _POLL_S[0], asyncio.get_running_loop().time() + within_s
    while asyncio.get_running_loop().time() < ends:
        receipt = await request(w3, "eth_getTransactionReceipt", tx_hash)
        if receipt is not None and receipt.get("blockNumber") is not None:
            return dict(receipt)
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _POLL_S[1])
    raise Unavailable(
        f"Transaction {tx_hash} is not mined yet.", "Look at the chain, then try again."
    )
