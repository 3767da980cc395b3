"""The nodes of a Swarm as one machine: what they offer, which runs are on which, and our program on each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog
from docker.errors import NotFound

from agent.container.host import Wanted
from agent.container.runtime import Chosen
from agent.engine.call import call
from agent.engine.engine import Engine
from agent.engine.isolation import ImageFacts, RunKey, agent_short
from agent.engine.pull import Bring
from agent.output.spool import MAX_LOG_BYTES
from agent.settings import FleetSettings
from agent.swarm import placement
from agent.swarm.api import EVERYWHERE, Swarm
from agent.swarm.certificate import fleet_key
from agent.swarm.link import NodeLink
from agent.swarm.placement import Held, Node
from agent.swarm.spec import config_name, node_task, program
from agent.swarm.sweep import sweep_node
from agent.swarm.task import RunTask
from agent.swarm.where import load_placed
from chain.errors import DraasError, Unavailable
from chain.job import Address, Digest, Resources
from chain.manifest import Manifest

log = structlog.get_logger()

LOOK_SECONDS = 5.0
READY_SECONDS = 60.0  # for our program to come up on the nodes at the start


class Fleet:
    """Makes the containers of runs on the nodes of a Swarm.

    Args:
        engine: the manager's.
        folder: for the key of the fleet.
        log_bytes: that one run's output may have.
    """

    def __init__(
        self,
        engine: Engine,
        swarm: Swarm,
        agent: Address,
        settings: FleetSettings,
        folder: Path,
        log_bytes: int = MAX_LOG_BYTES,
    ) -> None:
        self._engine = engine
        self.log_bytes = log_bytes
        self.swarm = swarm
        self._agent = agent
        self.settings = settings
        self._folder = folder
        self._pem = folder / "fleet.pem"
        self.nodes: dict[str, Node] = {}
        self._links: dict[str, NodeLink] = {}
        self._held: dict[str, Held] = {}
        self._loading: dict[str, asyncio.Lock] = {}
        self.changed: Callable[[Resources], None] = lambda _: None
        self._known: set[str] = set()  # runs that are not cleaned away
        self._unswept: set[str] = set()  # nodes that came since

    async def begin(self) -> None:
        """Put our program on every node, and wait for those that are up.

        Raises:
            InvalidInput: the Engine is no manager.
            Unavailable: no node's program answers within a minute.
        """
        await self.swarm.check()
        self._pem = await asyncio.to_thread(fleet_key, self._folder)
        await self._have_program()
        loop = asyncio.get_running_loop()
        ends = loop.time() + READY_SECONDS
        while not await self._all_answer():
            if loop.time() < ends:
                await asyncio.sleep(0.3)
            elif not placement.capacity(self.nodes.values()).cpu_millis:
                raise Unavailable(
                    "No node of the Swarm answers to this agent.",
                    f"See that they reach each other, that port {self.settings.port} of the nodes is reached from "
                    f"here, and that they have the image {self.settings.image}.",
                )
            else:
                break
        for node in self.nodes.values():
            log.info("fleet.node", node=node.name, address=node.address, takes=node.takes)

    async def _all_answer(self) -> bool:
        """Look at the nodes; those whose program does not answer take nothing."""
        await self.look()
        return bool(self.nodes) and all(one.takes for one in self.nodes.values() if one.up)

    async def look(self) -> None:
        """See which nodes there are, and which of them answer.

        Raises:
            Unavailable: the manager does not answer: nothing is known to have changed.
        """
        found = await self.swarm.nodes()
        answers = await asyncio.gather(*(self._answers(node) for node in found))
        new = {
            node.id: replace(node, takes=there) for node, there in zip(found, answers, strict=True)
        }
        for one in new.values():
            was = self.nodes.get(one.id)
            if one.takes and (was is None or not was.takes):
                self._unswept.add(one.id)
            if was is not None and was.takes != one.takes:
                log.info("fleet.node", node=one.name, up=one.up, takes=one.takes)
        self.nodes = new

    async def _answers(self, node: Node) -> bool:
        if not node.takes:
            return False
        try:
            await self.link(node.id, node.address).ask("usage", "")
        except Unavailable:
            return False
        return True

    async def work(self) -> None:
        """Keep up with the nodes, for ever, and tell what they offer together."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            with suppress(DraasError, NotFound, OSError):
                await self.look()
                self.changed(self.capacity)
                await self.sweep()

    async def sweep(self) -> None:
        """Clear up on nodes that are back: only once all runs are known. One that is gone again is left for later."""
        for node in [self.nodes[one] for one in self._unswept if one in self.nodes]:
            if not node.takes:
                continue
            with suppress(DraasError, NotFound):
                engine = await self.link(node.id, node.address).engine()
                await sweep_node(engine, self._agent, self._known)
                self._unswept.discard(node.id)

    @property
    def capacity(self) -> Resources:
        """What all nodes that take jobs offer together, and no more than was set."""
        whole, most = placement.capacity(self.nodes.values()), self.settings
        return Resources(
            min(whole.cpu_millis, most.most_cpu_millis or whole.cpu_millis),
            min(whole.memory_mib, most.most_memory_mib or whole.memory_mib),
            0,
        )

    def link(self, node_id: str, address: str) -> NodeLink:
        """The connection to a node."""
        known = self._links.get(node_id)
        if known is None or known.address != address:
            known = self._links[node_id] = NodeLink(address, self.settings.port, self._pem)
        return known

    async def _have_program(self) -> None:
        """Our service on every node, of this version."""
        name = f"draas-node-{agent_short(self._agent)}"
        configs = {}
        for path, content in program().items():
            titled = config_name(name, path, content)
            configs[path] = (await self.swarm.have_config(titled, content), titled)
        pem = await asyncio.to_thread(self._pem.read_bytes)
        secret_name = config_name(name, "key", pem)
        secret = (await self.swarm.have_secret(secret_name, pem), secret_name)
        task = node_task(self._agent, self.settings, configs, secret)
        found = await self.swarm.service(name)
        if found is None:
            await self.swarm.make_service(name, task, EVERYWHERE, {"draas.agent": self._agent})
        elif _files(found["Spec"]["TaskTemplate"]) != _files(task):
            await self.swarm.update_service(found, task)

    def room(self, left: Resources, key: RunKey, need: Resources) -> Resources:
        """What this run can get; the place is kept for it until `release`."""
        node = self.place(key, need)
        if node is not None:
            others = [held for name, held in self._held.items() if name != key.text]
            return placement.least(left, placement.room(node, others))
        return placement.least(left, placement.most(list(self.nodes.values()), self._held, need))

    def disk_room(self, need_mib: int) -> str:
        """What jobs write is memory of their nodes, and reserved."""
        return ""

    def place(self, key: RunKey, need: Resources) -> Node | None:
        """The node of a run; chosen now, unless it has one that takes jobs."""
        held = self._held.get(key.text)
        known = self.nodes.get(held.node) if held is not None else None
        if known is not None and known.takes:
            return known
        self._held.pop(key.text, None)
        node = placement.choose(list(self.nodes.values()), self._held, need)
        if node is not None:
            self._held[key.text] = Held(node.id, need)
        return node

    def release(self, key: RunKey) -> None:
        """The run needs no more of its node."""
        self._held.pop(key.text, None)

    def forget(self, key: RunKey) -> None:
        """The run is cleaned away."""
        self.release(key)
        self._known.discard(key.text)

    @property
    def engine(self) -> Engine:
        """The manager's."""
        return self._engine

    @property
    def offered(self) -> list[str]:
        """The runtimes, as they are told to the scheduler: the nodes' own, which is taken for runc, with no network."""
        return ["runc"]

    def runtime_of(self, manifest: Manifest) -> Chosen:
        """Whatever the nodes' Engines use by themselves."""
        if manifest.secrets:
            return Chosen(why_not="a fleet takes no jobs with secrets")
        if manifest.runtime == "gvisor":
            return Chosen(why_not="a fleet's nodes choose the runtime themselves")
        return Chosen("runc", "runc")

    def container(self, wanted: Wanted) -> RunTask:
        """The container of a run, made or not. What was placed by an earlier agent stays where it is."""
        key = wanted.key
        self._known.add(key.text)
        placed = load_placed(wanted.folder)
        if placed is not None and not placed.ended:
            self._held[key.text] = Held(placed.node, wanted.manifest.reserved())
        return RunTask(self, wanted)

    async def ensure_image(
        self, digest: Digest, name: str, bring: Bring | None = None
    ) -> ImageFacts:
        """Have the image at the manager, from where the nodes get it."""
        return await self._engine.ensure_image(digest, name, bring)

    async def give_image(self, node: Engine, node_id: str, digest: Digest) -> None:
        """Have an image on a node: one archive a node at a time goes from the manager to it."""
        async with self._loading.setdefault(node_id, asyncio.Lock()):
            if await has_image(node, digest):
                return
            await call(lambda: node.api.load_image(self.swarm.save_image(digest)))

    def close(self) -> None:
        """Close the connections; what runs on the nodes is left as it is."""
        for link in self._links.values():
            link.close()


async def has_image(engine: Engine, digest: Digest) -> bool:
    """Whether an Engine has an image."""
    try:
        await call(lambda: engine.api.inspect_image(digest))
    except NotFound:
        return False
    return True


async def open_fleet(
    engine: Engine,
    agent: Address,
    settings: FleetSettings,
    home: Path,
    log_bytes: int = MAX_LOG_BYTES,
) -> Fleet:
    """The fleet behind a manager, ready for jobs.

    Raises:
        InvalidInput, Unavailable: as `Fleet.begin`.
    """
    fleet = Fleet(engine, Swarm(engine.api), agent, settings, home / "agent", log_bytes)
    await fleet.begin()
    return fleet


def _files(task: Mapping[str, Any]) -> object:
    """What tells one version of the program's service from another."""
    spec = task["ContainerSpec"]
    named = [one["ConfigName"] for one in spec["Configs"]]
    named += [one["SecretName"] for one in spec["Secrets"]]
    return sorted(named), spec["Image"], spec["Command"]
