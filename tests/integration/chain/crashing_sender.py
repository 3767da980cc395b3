"""A program that sends one call and is killed at a named step; run by test_sender.py.

Arguments: node's address, private key, folder or database, recipient, amount, step ("held" only holds the key).
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any

from eth_account import Account

from chain.calls import Call
from chain.connect import connect
from chain.errors import DraasError
from chain.job import Address
from chain.journal import Journal
from chain.outbox import Outbox
from chain.sender import Sender
from tests.integration.chain.payers import journal_at

KEY = "pay"
KILLED = 9


def die(*_: Any) -> None:
    """As kill -9 would: nothing is flushed, closed or told."""
    os._exit(KILLED)


def kill_at(step: str) -> None:
    """Before the signed bytes are saved; between saving and broadcasting; after broadcasting; before and after the
    receipt is saved."""
    broadcast: Callable[..., Any] = Outbox.broadcast
    mined = Journal.mined

    async def broadcast_and_die(self: Outbox, attempt: Any) -> None:
        await broadcast(self, attempt)
        die()

    def note_and_die(self: Journal, *note: Any) -> None:
        mined(self, *note)
        die()

    steps: dict[str, tuple[type, str, Any]] = {
        "signed": (Journal, "record", die),
        "saved": (Outbox, "broadcast", die),
        "broadcast": (Outbox, "broadcast", broadcast_and_die),
        "mined": (Journal, "mined", die),
        "noted": (Journal, "mined", note_and_die),
    }
    if step in steps:
        setattr(*steps[step])


async def main(url: str, key: str, home: str, recipient: str, amount: str, step: str) -> None:
    """Send, and die on the way."""
    kill_at(step)
    sender = Sender(connect(url), Account.from_key(key), journal_at(home))
    if step == "held":
        sys.stdout.write("held\n")
        sys.stdout.flush()
        await asyncio.sleep(60)
    await sender.send(Call(Address(recipient), b"", int(amount), "pay"), KEY)


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:]))
    except DraasError as error:
        sys.stdout.write(f"{type(error).__name__}\n")
        sys.exit(error.exit_code)
