"""A call to a contract, ready to be signed by whoever is to make it."""

from __future__ import annotations

from dataclasses import dataclass, field

from chain.interface import Errors
from chain.job import Address


@dataclass(frozen=True, slots=True)
class Call:
    """An unsigned call: who signs and pays for it is the sender's business."""

    to: Address
    data: bytes
    value: int = 0  # wei
    label: str = ""  # for people to read
    errors: Errors = field(default_factory=dict, repr=False, compare=False)  # that it may end in
