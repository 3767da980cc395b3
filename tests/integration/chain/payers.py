"""A key of its own for each test of the sender, and how to run the sender in another process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import AsyncWeb3

from chain.calls import Call
from chain.connect import connect
from chain.ganache import LocalChain
from chain.job import Address
from chain.journal import Where
from chain.journal_postgres import PostgresPlace
from chain.rpc import request
from chain.sender import Sender

COIN = 10**18


def journal_at(home: str) -> Where:
    """A journal in a folder, or in a database at its address."""
    return partial(PostgresPlace, home) if home.startswith("postgresql:") else Path(home)


@dataclass
class Payer:
    """A fresh key with coins, and a fresh account that it pays."""

    chain: LocalChain
    w3: AsyncWeb3[Any]
    home: str  # a folder, or a database's address
    account: LocalAccount
    payee: Address

    @property
    def where(self) -> Where:
        return journal_at(self.home)

    def sender(self, **options: Any) -> Sender:
        return Sender(self.w3, self.account, self.where, **options)

    def pay(self, amount: int = 5) -> Call:
        return Call(self.payee, b"", amount, "pay")

    async def paid(self) -> int:
        return int(await request(self.w3, "eth_getBalance", self.payee, "latest"), 16)

    async def used(self) -> int:
        """How many transactions of the key are on the chain."""
        count = await request(self.w3, "eth_getTransactionCount", self.account.address, "latest")
        return int(count, 16)

    def command(self, step: str) -> list[str]:
        key = self.account.key.hex()
        arguments = [self.chain.rpc_url, key, self.home, self.payee, "5", step]
        return [sys.executable, "-m", "tests.integration.chain.crashing_sender", *arguments]


async def payer_on(chain: LocalChain, home: Path | str) -> AsyncIterator[Payer]:
    w3 = connect(chain.rpc_url, timeout_s=2)
    account = Account.create()
    rich = {"from": chain.accounts[9].address, "value": hex(COIN), "gas": hex(21_000)}
    await request(w3, "eth_sendTransaction", {**rich, "to": account.address})
    payer = Payer(chain, w3, str(home), account, Address(Account.create().address))
    while await request(w3, "eth_getBalance", account.address, "latest") == "0x0":
        await asyncio.sleep(0.02)
    yield payer
    await w3.provider.disconnect()
