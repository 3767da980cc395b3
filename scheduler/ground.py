"""What every part of a running scheduler stands on: its key, the chain, the database, the content store."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from eth_account.signers.local import LocalAccount
from web3 import AsyncWeb3

from chain.api import Market
from chain.clock import ChainClock
from chain.connect import connect, open_book
from chain.contracts import AddressBook
from chain.convert import address_of
from chain.escrow import Escrow
from chain.instruments import SenderFigures
from chain.job import Address, Parameters
from chain.journal import Where
from chain.journal_postgres import PostgresPlace
from chain.log_setup import hide
from chain.messages import Domain
from chain.sealing_key import SealingKey, is_shared, load_sealing_key
from chain.sender import Sender
from chain.store_process import ipfs_api, start_store
from chain.token import Token
from scheduler.key import Key
from scheduler.rows.database import Store, open_store
from scheduler.rows.store import bind_chain
from scheduler.settings import Settings, name_process
from scheduler.signals import Signals


@dataclass(frozen=True)
class Ground:
    """Opened once, shared by all."""

    settings: Settings
    name: str  # of this process, in leases and logs
    account: LocalAccount
    me: Address
    w3: AsyncWeb3[Any]
    book: AddressBook
    domain: Domain
    escrow: Escrow
    token: Token
    rules: Parameters
    key: Key
    store: Store
    signals: Signals
    clock: ChainClock
    ipfs_api: str
    gateway: str  # from which agents elsewhere fetch; "" for a Kubo
    scratch: Path
    sent: SenderFigures
    sealing: SealingKey | None  # None: copies that share rows have none in common

    @property
    def market(self) -> Market:
        """Where this market lives, and by which rules."""
        return Market(
            chain_id=self.book.chain_id,
            escrow=self.book.escrow,
            token=self.book.token,
            court=self.book.court,
            scheduler=self.me,
            deployed_at_block=self.book.deployed_at_block,
            window=self.rules.window,
            lapse_after=self.rules.lapse_after,
            settle_grace=self.rules.settle_grace,
            max_bundle_bytes=self.settings.max_bundle_bytes,
            gateway=self.gateway,
        )


async def open_ground(
    stack: contextlib.AsyncExitStack,
    settings: Settings,
    account: LocalAccount,
    environ: Mapping[str, str],
) -> Ground:
    """Open everything in order; `stack` closes it in reverse.

    Raises:
        Unavailable: the chain, the database or the content store does not answer.
        Conflict: the database is of another chain, or another process has the key.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    w3 = connect(settings.rpc_url)
    stack.push_async_callback(w3.provider.disconnect)
    book = await open_book(w3, settings.home, environ)
    escrow = Escrow.of(w3, book)
    store = await open_store(settings.database_url, settings.database_pool)
    stack.push_async_callback(store.close)
    sent = SenderFigures()
    key = Key(partial(Sender, w3, account, _journal(settings, store), figures=sent))
    stack.push_async_callback(key.close)
    if not store.is_postgres:
        await key.take()  # alone with its database, so a second one is not to start at all
    await bind_chain(store, book.chain_id, book.genesis, book.escrow)
    api, gateway = await _content(stack, settings, environ)
    scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="draas-scheduler-"))
    return Ground(
        settings=settings,
        name=name_process(settings),
        account=account,
        me=address_of(account.address),
        w3=w3,
        book=book,
        domain=Domain(book.chain_id, book.escrow),
        escrow=escrow,
        token=Token(w3, book.token, book.token_abi),
        rules=await escrow.parameters(),
        key=key,
        store=store,
        signals=Signals(),
        clock=ChainClock(),
        ipfs_api=api,
        gateway=gateway,
        scratch=Path(scratch),
        sent=sent,
        sealing=_sealing(settings, environ, store),
    )


def _sealing(settings: Settings, environ: Mapping[str, str], store: Store) -> SealingKey | None:
    """What is sealed to one copy is for all of them, so those that share rows are given the key."""
    if store.is_postgres and not is_shared(environ):
        return None
    key = load_sealing_key(environ, settings.home / "scheduler")
    hide(key.identity)
    return key


def _journal(settings: Settings, store: Store) -> Where:
    """With the rows where several schedulers share them, since they share the key too; else in a file."""
    if store.is_postgres:
        return partial(PostgresPlace, settings.database_url)
    return settings.home / "scheduler"


async def _content(
    stack: contextlib.AsyncExitStack, settings: Settings, environ: Mapping[str, str]
) -> tuple[str, str]:
    """The content store's API, and its gateway."""
    if environ.get("IPFS_API"):
        api, _ = await ipfs_api(environ, settings.home / "store")
        return api, ""
    store = await start_store(settings.home / "store", gateway_port=settings.gateway_port)
    stack.push_async_callback(store.stop)
    return store.api, store.gateway or ""
