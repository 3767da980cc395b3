"""What all runs of one agent share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from agent.host import Host
from agent.look import ChainView
from agent.record import RunRecord
from chain.escrow import Escrow
from chain.job import Address, Cid, Resources
from chain.messages import Domain
from chain.sender import Sender
from chain.wire import RunStatus


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all runs share.

    Args:
        scheduler: whose assignments are taken; the zero address before the first login.
        free: resources left for one more run, apart from the given one.
        store: a folder → its CID on IPFS.
        changed: told whenever a run's status changes.
        printed: told whenever a run has new log lines.
    """

    home: Path
    agent: Address
    machine: Host
    view: ChainView
    escrow: Escrow
    sender: Sender
    domain: Domain
    scheduler: Callable[[], Address]
    free: Callable[[RunRecord], Resources]
    store: Callable[[Path], Awaitable[Cid]]
    changed: Callable[[RunStatus], None]
    printed: Callable[[], None]
