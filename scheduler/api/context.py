"""What the routes need, put into the application's state once by `scheduler.app`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from eth_account.signers.local import LocalAccount
from fastapi import Depends
from starlette.requests import HTTPConnection

from chain.api import Market
from chain.clock import ChainClock
from chain.escrow import Escrow
from chain.job import Parameters
from chain.market_api import Overview
from chain.messages import Domain
from chain.token import Token
from scheduler.api.access import Access
from scheduler.api.guard import Gate
from scheduler.api.named import Named
from scheduler.api.newsroom import Newsroom
from scheduler.api.origins import Names
from scheduler.api.recent import Recent
from scheduler.api.tails import Tails
from scheduler.images.builder import Builder
from scheduler.images.delivery import Delivery
from scheduler.images.private import Opener
from scheduler.index.indexer import Indexer
from scheduler.ingress.ingress import Ingress
from scheduler.ingress.places import Places
from scheduler.rows.database import Store
from scheduler.sessions.hub import Hub
from scheduler.sessions.vault import Vault
from scheduler.settings import Settings
from scheduler.signals import Signals
from scheduler.telemetry.observe import Observed
from scheduler.work.assign import Assigner
from scheduler.work.pins import Pinner


@dataclass(frozen=True)
class Context:
    """The running parts."""

    settings: Settings
    store: Store
    signals: Signals
    clock: ChainClock
    indexer: Indexer
    hub: Hub
    tails: Tails
    builder: Builder
    delivery: Delivery
    assigner: Assigner
    escrow: Escrow
    rules: Parameters
    token: Token
    market: Market
    ipfs_api: str
    scratch: Path
    observed: Observed
    access: Access
    gate: Gate
    overview: Recent[Overview]
    newsroom: Newsroom
    ingress: Ingress
    places: Places
    account: LocalAccount
    domain: Domain
    pinner: Pinner
    vault: Vault
    opener: Opener
    named: Named

    @property
    def names(self) -> Names:
        """How this scheduler is called."""
        return self.gate.names

    def degraded(self) -> dict[str, str]:
        """What does not answer at present, and why."""
        return self.observed.health.degraded()


def _context(connection: HTTPConnection) -> Context:
    context: Context = connection.app.state.context
    return context


Ctx = Annotated[Context, Depends(_context)]
