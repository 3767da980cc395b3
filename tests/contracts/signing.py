"""Signatures of EIP-712 messages, by keys that no chain knows."""

from __future__ import annotations

from typing import Any

from brownie import web3
from eth_account import Account
from eth_account.messages import encode_typed_data

SCHEDULER = Account.from_key("0x" + "5c" * 32)
CONSUMER_KEY, PROVIDER_KEY = "0x" + "c0" * 32, "0x" + "a1" * 32
TYPES = {
    "Assignment": "bytes32 jobId,uint8 attempt,address provider,bytes32 image,uint64 deadline",
    "Cancel": "bytes32 jobId,uint64 deadline",
    "UsageReport": "bytes32 jobId,uint8 attempt,uint64 cpuMs,uint64 memoryMibS,uint64 egressKib,"
    "uint64 wallS,uint64 deadline",
    "Permit": "address owner,address spender,uint256 value,uint256 nonce,uint256 deadline",
}


def signed(contract: Any, kind: str, values: tuple[Any, ...], key: Any, name: str = "DRaaS") -> str:
    """The signature by `key` of a message for this contract on this chain."""
    fields = [
        dict(zip(("type", "name"), field.split(), strict=True)) for field in TYPES[kind].split(",")
    ]
    domain = {
        "name": name,
        "version": "1",
        "chainId": web3.eth.chain_id,
        "verifyingContract": contract.address,
    }
    plain = [str(value) if isinstance(value, str) else value for value in values]
    message = {field["name"]: value for field, value in zip(fields, plain, strict=True)}
    typed = encode_typed_data(domain, {kind: fields}, message)
    return "0x" + Account.sign_message(typed, key).signature.hex().removeprefix("0x")


def signed_report(
    escrow: Any, report: tuple[Any, ...], deadline: int, *keys: str
) -> tuple[str, ...]:
    """The same usage report, signed by each of these keys."""
    job, attempt, usage = report
    values = (str(job), attempt, *usage, deadline)
    return tuple(signed(escrow, "UsageReport", values, key) for key in keys)
