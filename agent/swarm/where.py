"""Where a run of the fleet is: its node, and its container there. Kept in the run's folder for the next agent."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.engine.call import call
from agent.engine.engine import Engine
from agent.engine.isolation import RunKey
from agent.observed import Container
from agent.swarm.link import NodeLink
from agent.swarm.placement import Node
from agent.swarm.spec import LABEL_RUN
from chain.errors import Unavailable

if TYPE_CHECKING:
    from agent.swarm.fleet import Fleet

PLACE_NAME = "place.json"
KILLED_CODE = 137
LEASE_MARGIN_S = 5.0  # for clocks that differ


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a run is.

    Args:
        node, address: of the Swarm's node.
        image: digest of the job's image.
        container: id of its container there; "" before its first start.
        started_ms: of that container, by its Engine.
        printed: stamp of the last line that containers before it had printed; "" for none.
        leased_until: Unix seconds; 0 before its first start.
        ended: it needs the node's resources no more.
        lost: the node was gone for longer than the lease.
    """

    node: str
    address: str
    image: str
    container: str = ""
    started_ms: int = 0
    printed: str = ""
    leased_until: float = 0.0
    ended: bool = False
    lost: bool = False


def load_placed(folder: Path) -> Placed | None:
    """Where a run is; None before it was placed."""
    path = folder / PLACE_NAME
    return Placed(**json.loads(path.read_text())) if path.exists() else None


class Where:
    """The place of one run, and the way there.

    Args:
        folder: of the run.
    """

    def __init__(self, fleet: Fleet, key: RunKey, folder: Path) -> None:
        self._fleet = fleet
        self._key = key
        self._folder = folder
        self.placed = load_placed(folder)
        self.opened: Engine | None = None

    @property
    def known(self) -> Placed:
        """The place.

        Raises:
            Unavailable: there is none yet.
        """
        if self.placed is None:
            raise Unavailable("The run has no node yet.")
        return self.placed

    @property
    def lost(self) -> bool:
        """Whether its node was gone for longer than its lease."""
        return self.placed is not None and self.placed.lost

    def put(self, node: Node, image: str) -> None:
        """It goes to this node."""
        self._keep(Placed(node.id, node.address, image))

    def change(self, **changes: Any) -> None:
        """Something of it changed; no error before it was placed."""
        if self.placed is not None:
            self._keep(replace(self.placed, **changes))

    def _keep(self, placed: Placed) -> None:
        self.placed = placed
        new = self._folder / f"{PLACE_NAME}.new"
        new.write_text(json.dumps(asdict(placed)))
        new.rename(self._folder / PLACE_NAME)

    @property
    def node(self) -> Node | None:
        """Its node, as the manager tells of it now."""
        return self._fleet.nodes.get(self.known.node)

    @property
    def link(self) -> NodeLink:
        """The connection to its node."""
        node = self.node
        address = node.address if node is not None else self.known.address
        return self._fleet.link(self.known.node, address)

    async def engine(self) -> Engine:
        """Its node's Engine.

        Raises:
            Unavailable: the node does not answer.
        """
        self.opened = await self.link.engine()
        return self.opened

    async def container(self) -> str:
        """The id of its container on the node; "" while there is none."""
        if self.known.container:
            return self.known.container
        engine, filters = await self.engine(), {"label": f"{LABEL_RUN}={self._key.text}"}
        found = await call(lambda: engine.api.containers(all=True, filters=filters))
        return str(found[0]["Id"]) if found else ""

    async def ask(self, what: str, **more: Any) -> dict[str, Any]:
        """Ask our program on the node about the run; see `NodeLink.ask`."""
        return await self.link.ask(what, self._key.text, **more)

    def is_lost(self) -> bool:
        """Whether the Swarm has lost the node too, and the lease of the container there is over."""
        until = self.known.leased_until
        over = until > 0 and time.time() > until + LEASE_MARGIN_S
        return over and (self.node is None or not self.node.up)

    def lose(self) -> Container:
        """Take the container for ended with its lease: nobody will ever see it end."""
        self.change(lost=True)
        placed = self.known
        end_ms = max(placed.started_ms, int(placed.leased_until * 1000))
        return Container(
            "exited",
            KILLED_CODE,
            started_ms=placed.started_ms or end_ms,
            finished_ms=end_ms,
            error="the node that ran it is gone from the fleet",
        )
