"""What the escrow's events say of its jobs, for the scripts: nothing else keeps a job's terms and its providers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from enum import IntEnum
from typing import Any

from brownie import web3
from eth_abi import encode
from eth_utils.abi import collapse_if_tuple
from hexbytes import HexBytes

from scripts.words import refuse, whole

RANGE = 2000  # blocks in one request; nodes refuse long ranges
NOBODY = "0x" + "00" * 20

JobState = IntEnum("JobState", "ABSENT OPEN RUNNING ENDED DISPUTED CLOSED", start=0)
RunState = IntEnum("RunState", "ABSENT LIVE SETTLED FROZEN RULED", start=0)


def events(escrow: Any, name: str, from_block: str = "", **wanted: Any) -> Iterator[Any]:
    """The escrow's events of one name, oldest first, with these indexed values.

    Args:
        from_block: first block to look at; else FROM_BLOCK, else the chain's first.
    """
    event = web3.eth.contract(address=escrow.address, abi=escrow.abi).events[name]
    first = whole(from_block or os.environ.get("FROM_BLOCK", "0"), "FROM_BLOCK")
    head = web3.eth.block_number
    for start in range(first, head + 1, RANGE):
        end = min(start + RANGE - 1, head)
        yield from event.get_logs(from_block=start, to_block=end, argument_filters=wanted)


def terms_of(escrow: Any, job: str) -> tuple[Any, ...]:
    """The terms that a job was posted with."""
    for log in events(escrow, "JobPosted", jobId=HexBytes(job)):
        return as_tuple(log.args.terms)
    refuse(
        f"There is no job {job} at {escrow.address}.",
        "Check the id, ESCROW_ADDRESS and, when it is set, FROM_BLOCK.",
    )


def terms_hash(escrow: Any, terms: tuple[Any, ...]) -> bytes:
    """What the escrow knows the terms by, beside their consumer."""
    (method,) = (item for item in escrow.abi if item.get("name") == "jobIdOf")
    return bytes(web3.keccak(encode([collapse_if_tuple(method["inputs"][0])], [terms])))


def provider_of(escrow: Any, job: str, attempt: int) -> str:
    """Who claimed this attempt."""
    for log in events(escrow, "JobClaimed", jobId=HexBytes(job)):
        if log.args.attempt == attempt:
            return str(log.args.provider)
    refuse(f"Nobody has claimed attempt {attempt} of this job.", "Attempts are counted from 1.")


def last_provider(escrow: Any, job: str) -> str:
    """Who claimed a job last; nobody's address when nobody did."""
    claims = [log.args for log in events(escrow, "JobClaimed", jobId=HexBytes(job))]
    return str(claims[-1].provider) if claims else NOBODY


def as_tuple(value: Any) -> Any:
    """A struct of an event as the tuple that a call takes."""
    if hasattr(value, "values"):
        return tuple(as_tuple(field) for field in value.values())
    return value
