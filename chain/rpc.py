"""One raw request to a node, and what its faults mean to us."""

from __future__ import annotations

from typing import Any

from web3 import AsyncWeb3
from web3.types import RPCEndpoint

from chain.calls import Call
from chain.decode import revert_of
from chain.errors import DraasError, Unavailable
from chain.interface import NO_ERRORS, Errors

Block = int | str  # a number, or a tag like "latest"


class NodeRefused(DraasError):
    """The node answered, with an error that is not a revert.

    Args:
        fault: the JSON-RPC error as it came.
    """

    status = 502

    def __init__(self, method: str, fault: object) -> None:
        self.fault = fault
        said = fault.get("message") if isinstance(fault, dict) else fault
        super().__init__(f"The node refused {method}: {str(said)[:300]}", "Check the node.")


async def request(
    w3: AsyncWeb3[Any], method: str, *parameters: object, errors: Errors = NO_ERRORS
) -> Any:
    """Ask the node; the answer is as JSON has it.

    Raises:
        Unavailable: it did not answer.
        Reverted: it answered that the call would revert.
        NodeRefused: it answered with another error.
    """
    answer = await w3.provider.make_request(RPCEndpoint(method), list(parameters))
    if not isinstance(answer, dict):
        raise Unavailable(f"The node's answer to {method} is no JSON-RPC.", "Check RPC_URL.")
    fault = answer.get("error")
    if fault is not None:
        raise revert_of(fault, errors) or NodeRefused(method, fault)
    if "result" not in answer:
        raise Unavailable(f"The node's answer to {method} is no JSON-RPC.", "Check RPC_URL.")
    return answer["result"]


async def call(w3: AsyncWeb3[Any], made: Call, block: Block, sender: str | None = None) -> bytes:
    """What the call would return at that block, without sending anything.

    Raises:
        Reverted, Unavailable, NodeRefused: as `request`.
    """
    transaction = {"to": made.to, "data": "0x" + made.data.hex()}
    if made.value:
        transaction["value"] = hex(made.value)
    if sender is not None:
        transaction["from"] = sender
    answer = await request(w3, "eth_call", transaction, block_parameter(block), errors=made.errors)
    return bytes.fromhex(str(answer).removeprefix("0x"))


def block_parameter(block: Block) -> str:
    """A block as JSON-RPC writes it."""
    return hex(block) if isinstance(block, int) else block
