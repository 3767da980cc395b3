"""The EIP-712 types of what is signed here, as the contract has them where it reads them too."""

from __future__ import annotations

ASSIGNMENT = {
    "Assignment": [
        {"name": "jobId", "type": "bytes32"},
        {"name": "attempt", "type": "uint8"},
        {"name": "provider", "type": "address"},
        {"name": "image", "type": "bytes32"},
        {"name": "deadline", "type": "uint64"},
    ]
}

USAGE_REPORT = {
    "UsageReport": [
        {"name": "jobId", "type": "bytes32"},
        {"name": "attempt", "type": "uint8"},
        {"name": "cpuMs", "type": "uint64"},
        {"name": "memoryMibS", "type": "uint64"},
        {"name": "egressKib", "type": "uint64"},
        {"name": "wallS", "type": "uint64"},
        {"name": "deadline", "type": "uint64"},
    ]
}

STATEMENT = {
    "UsageStatement": [
        {"name": "jobId", "type": "bytes32"},
        {"name": "attempt", "type": "uint8"},
        {"name": "cpuMs", "type": "uint64"},
        {"name": "memoryMibS", "type": "uint64"},
        {"name": "egressKib", "type": "uint64"},
        {"name": "wallS", "type": "uint64"},
        {"name": "starts", "type": "uint32"},
        {"name": "ledger", "type": "bytes32"},
        {"name": "atMs", "type": "uint64"},
        {"name": "nonce", "type": "bytes32"},
    ]
}

TICKET = {
    "Ticket": [
        {"name": "jobId", "type": "bytes32"},
        {"name": "attempt", "type": "uint8"},
        {"name": "reader", "type": "address"},
        {"name": "deadline", "type": "uint64"},
    ]
}

LOGIN = {
    "AgentLogin": [
        {"name": "agent", "type": "address"},
        {"name": "scheduler", "type": "address"},
        {"name": "nonce", "type": "bytes32"},
    ]
}

CANCEL = {"Cancel": [{"name": "jobId", "type": "bytes32"}, {"name": "deadline", "type": "uint64"}]}
