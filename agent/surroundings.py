"""What all runs of one agent share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from agent.host import Host
from agent.lease import Leases
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
        room: MiB that one more run may write → why there is no room for them on the disk; "" when there is.
        store: a folder → its CID on IPFS.
        changed: told whenever a run's status changes.
        printed: told whenever a run has new log lines.
        tells_ends: whether the Engine would tell now that a container has ended.
    """

    home: Path
    agent: Address
    machine: Host
    view: ChainView
    leases: Leases
    escrow: Escrow
    sender: Sender
    domain: Domain
    scheduler: Callable[[], Address]
    free: Callable[[RunRecord], Resources]
    room: Callable[[int], str]
    store: Callable[[Path], Awaitable[Cid]]
    changed: Callable[[RunStatus], None]
    printed: Callable[[], None]
    tells_ends: Callable[[], bool] = lambda: False
