"""The EIP-712 types of what is signed here, in the words of the contract where it reads them too."""

from __future__ import annotations

Fields = dict[str, list[dict[str, str]]]


def _type(text: str) -> Fields:
    """`Name(type name,…)`, as EIP-712's `encodeType` writes it, in the form that eth-account takes."""
    name, _, inner = text.removesuffix(")").partition("(")
    pairs = (field.split(" ") for field in inner.split(","))
    return {name: [{"name": called, "type": kind} for kind, called in pairs]}


_USED = "uint64 cpuMs,uint64 memoryMibS,uint64 egressKib,uint64 wallS"

ASSIGNMENT = _type(
    "Assignment(bytes32 jobId,uint8 attempt,address provider,bytes32 image,uint64 deadline)"
)
CANCEL = _type("Cancel(bytes32 jobId,uint64 deadline)")
USAGE_REPORT = _type(f"UsageReport(bytes32 jobId,uint8 attempt,{_USED},uint64 deadline)")
STATEMENT = _type(
    f"UsageStatement(bytes32 jobId,uint8 attempt,{_USED},uint32 starts,bytes32 ledger,uint64 atMs,bytes32 nonce)"
)
TICKET = _type("Ticket(bytes32 jobId,uint8 attempt,address reader,uint64 deadline)")
LOGIN = _type("AgentLogin(address agent,address scheduler,bytes32 nonce)")
SEALING_KEY = _type("SealingKey(address holder,string recipient,uint64 until)")
