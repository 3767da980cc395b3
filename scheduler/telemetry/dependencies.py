"""How each dependency of a scheduler is asked whether it is there. Every question ends by itself or is given up."""

from __future__ import annotations

import asyncio
import secrets
import time

import requests
from docker.errors import DockerException
from sqlalchemy import delete, insert
from sqlalchemy.exc import SQLAlchemyError
from web3 import AsyncWeb3
from web3.providers import AsyncBaseProvider

from chain import ipfs
from chain.errors import Unavailable
from chain.rpc import request
from scheduler.ground import Ground
from scheduler.images.engine import new_client
from scheduler.index.indexer import Indexer
from scheduler.rows import tables as t
from scheduler.rows.database import Store
from scheduler.telemetry.health import DEADLINE_S, Health, Probe, require
from scheduler.work.worker import Worker

NEEDED = ("database", "chain", "content store", "worker")
OPTIONAL = ("Docker Engine",)  # without it nothing is built here, but all else goes on
STILL_S = 15.0  # without a pass of the worker, or with the same blocks unread, after which something hangs
OLD_S = 60.0  # by which the row of a copy that crashed meanwhile is out of date


def health_of(ground: Ground, indexer: Indexer, worker: Worker) -> Health:
    """All that a scheduler needs."""
    settings = ground.settings
    chain = ChainProbe(ground.w3, indexer, settings.confirmations, settings.head_age_s)
    asks = (
        lambda: ask_database(ground.store),
        chain.ask,
        lambda: ask_store(ground.ipfs_api),
        lambda: ask_worker(worker),
    )
    needed = {name: Probe(ask) for name, ask in zip(NEEDED, asks, strict=True)}
    return Health(needed | {name: Probe(ask_engine, needed=False) for name in OPTIONAL})


async def ask_database(store: Store) -> None:
    """Write a row and take it away again, in one transaction that is committed.

    Raises:
        Unavailable: it cannot be written to.
    """
    row = {"nonce": f"probe-{secrets.token_hex(8)}", "expires_at": int(time.time() + OLD_S)}
    try:
        async with store.write() as tx:
            await tx.execute(insert(t.used_nonces).values(row))
            await tx.execute(delete(t.used_nonces).where(t.used_nonces.c.nonce == row["nonce"]))
    except SQLAlchemyError as error:
        raise Unavailable(
            f"it cannot be written to ({type(error).__name__})", "Check DATABASE_URL and the disk."
        ) from None


class ChainProbe:
    """The node's head against what is read of it.

    Args:
        confirmations: blocks below the head that are left unread.
        head_age_s: seconds after which a head counts as old; 0 for a chain that makes blocks only when there is
            something to put into them.
    """

    def __init__(
        self,
        w3: AsyncWeb3[AsyncBaseProvider],
        indexer: Indexer,
        confirmations: int,
        head_age_s: int,
    ) -> None:
        self._w3 = w3
        self._indexer = indexer
        self._confirmations = confirmations
        self._head_age_s = head_age_s
        self._moved = (-1, time.monotonic())  # the indexer's cursor, and since when it is there

    async def ask(self) -> None:
        """Whether the node answers with a head of this time, and everything up to it is read.

        Raises:
            Unavailable: says which of these is not so.
        """
        number, timestamp = await self._head()
        age_s = int(time.time()) - timestamp
        cursor = self._indexer.cursor
        if cursor != self._moved[0]:
            self._moved = (cursor, time.monotonic())
        require(self._indexer.synced, self._indexer.fault)
        unread = max(number, self._indexer.head) - cursor - self._confirmations
        hangs = unread > 0 and time.monotonic() - self._moved[1] > STILL_S
        require(not hangs, f"{unread} blocks were not read for over {STILL_S:.0f} s")
        old = 0 < self._head_age_s < age_s
        require(not old, f"the node's newest block is {age_s} s old")

    async def _head(self) -> tuple[int, int]:
        head = await request(self._w3, "eth_getBlockByNumber", "latest", False)
        try:
            return int(head["number"], 16), int(head["timestamp"], 16)
        except (KeyError, TypeError, ValueError):
            raise Unavailable("the node's newest block is none", "Check RPC_URL.") from None


async def ask_store(api: str) -> None:
    """Whether the content store answers.

    Raises:
        Unavailable: it does not.
    """
    await ipfs.version(api, deadline_s=DEADLINE_S)


async def ask_worker(worker: Worker) -> None:
    """Whether the reconcile loop still looks for work.

    Raises:
        Unavailable: it does not.
    """
    still = time.monotonic() - worker.shift.looked_at
    require(still < STILL_S, f"it has not looked for work for {still:.0f} s")


async def ask_engine() -> None:
    """Whether the Docker Engine answers.

    Raises:
        Unavailable: it does not.
    """
    await asyncio.to_thread(_ping)


def _ping() -> None:
    try:
        client = new_client(DEADLINE_S)
        try:
            client.ping()
        finally:
            client.close()
    except (DockerException, requests.RequestException) as error:
        raise Unavailable(f"it does not answer ({type(error).__name__})") from None
