"""Which runs came to their own end, by the chain."""

from __future__ import annotations

from web3 import HTTPProvider, Web3

from chain.contracts import AddressBook


def own_ends(rpc_url: str, book: AddressBook) -> dict[str, tuple[int, int]]:
    """For each job that was completed: the attempt that was, and its exit code."""
    w3 = Web3(HTTPProvider(rpc_url))
    escrow = w3.eth.contract(address=w3.to_checksum_address(book.escrow), abi=book.escrow_abi)
    claims = escrow.events.JobClaimed().get_logs(from_block=0)
    last = {item["args"]["jobId"]: item["args"]["attempt"] for item in claims}
    ends = {}
    for item in escrow.events.JobCompleted().get_logs(from_block=0):
        job = item["args"]["jobId"]
        ends["0x" + job.hex().removeprefix("0x")] = (last[job], item["args"]["exitCode"])
    return ends
