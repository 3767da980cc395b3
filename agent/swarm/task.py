"""One run as a service of the Swarm: a job that is done once, on the node that the agent has chosen.

Swarm places the task and keeps its resources free; looking, stopping, metering and collecting go to the node itself.
Every verb is safe to repeat, since after a crash nobody knows how far it had come.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docker.errors import NotFound

from agent import lease
from agent.cgroup import Counters
from agent.engine import Engine
from agent.isolation import MIB, ImageFacts, RunKey, labels, mount_point
from agent.logs import Follower, Spool
from agent.meter import Meter, Sample
from agent.reconcile import Absent, Container
from agent.record import Exit
from agent.swarm.api import ONE_JOB, call
from agent.swarm.link import NodeLink
from agent.swarm.spec import LABEL_RUN, keeper_body, keeper_of, run_task, volume_of
from agent.swarm.take import take_archive
from chain.clock import unix_ms
from chain.errors import InvalidInput, Unavailable
from chain.job import Digest
from chain.manifest import Manifest
from chain.trace import mark, traced

if TYPE_CHECKING:
    from agent.swarm.fleet import Fleet

PLACE_NAME = "place.json"
KILLED_CODE = 137
LAST_LINES_SECONDS = 10
LEASE_MARGIN_S = 5.0  # for clocks that differ
START_SECONDS = 60.0  # for the Swarm to start a task
SETTLE_TRIES, SETTLE_S = 20, 0.1  # for a node to see that a control group is gone


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a run is; kept in its folder.

    Args:
        node, address: of the Swarm's node.
        image: digest of the job's image, and `user` and so on, are asked for again at the start.
        container: id of its container there; "" before the first start.
        started_ms: of that container, by its Engine.
        leased_until: Unix seconds.
        ended: it needs the node's resources no more.
        lost: the node was gone for longer than the lease.
    """

    node: str
    address: str
    image: str = ""
    container: str = ""
    started_ms: int = 0
    leased_until: float = 0.0
    ended: bool = False
    lost: bool = False


class RunTask:
    """The service of one run.

    Args:
        folder: the run's files: where it is, ledger, log, results.
        notify: called in the event loop when there are new log lines.
    """

    def __init__(
        self,
        fleet: Fleet,
        key: RunKey,
        manifest: Manifest,
        folder: Path,
        notify: Callable[[], None] = lambda: None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._fleet = fleet
        self._key = key
        self._manifest = manifest
        self._folder = folder
        self._notify = notify
        self._follower: Follower | None = None
        self._engine: Engine | None = None
        self._placed = load_placed(folder)
        self._oom_kills = 0
        self.cgroup = ""
        self.meter = Meter(folder / "usage.jsonl")
        self.spool = Spool(folder / "log.jsonl")
        self._has_printed = self.spool.length > 0

    # ---- to its start -----------------------------------------------------------------------

    @traced("create")
    async def create(self, image: ImageFacts) -> str:
        """Choose its node, have the image and the results space there; the name of the service to come.

        Raises:
            Unavailable: manager or node refuses.
            InvalidInput: no node has room, or the manifest or image cannot be run in isolation.
        """
        mount_point(self._manifest.results)
        node = self._fleet.place(self._key, self._manifest.reserved())
        if node is None:
            raise InvalidInput("No node of the fleet has room for it.", "Try another agent.")
        self._keep(Placed(node.id, node.address, image.digest))
        engine = await self._node_engine()
        await self._fleet.give_image(engine, node.id, image.digest)
        systemd = (await engine.facts()).systemd
        parent = "draas-keepers.slice" if systemd else "/draas-keepers"
        body = keeper_body(self._key, self._manifest, self._fleet.settings.image, parent)
        fault = await engine.start(await engine.create(keeper_of(self._key), body))
        if fault:
            raise Unavailable(
                f"The results space cannot be kept: {fault}.", "See the node's Engine."
            )
        await self._fleet.swarm.make_network(self._key.container_name, labels(self._key))
        return self._key.container_name

    @traced("start")
    async def start(self, container_id: str) -> str:
        """Have the Swarm run it, after an earlier end anew; "" when it runs, else why it cannot."""
        placed, swarm = self._known(), self._fleet.swarm
        engine = await self._node_engine()
        if placed.container and await self._has_ended(engine, placed.container):
            await self._let_go(engine)
        image = await self._fleet.ensure_image(Digest(placed.image), "")
        init = (await engine.facts()).has_init
        task = run_task(self._key, self._manifest, image, placed.node, init)
        await swarm.make_service(container_id, task, ONE_JOB, labels(self._key))
        ends = time.monotonic() + START_SECONDS
        while time.monotonic() < ends:
            found = await self._find(engine)
            seen = await engine.inspect(found) if found else Absent()
            if isinstance(seen, Container) and (seen.status != "created" or seen.error):
                self._keep(replace(self._known(), container=found, started_ms=seen.started_ms))
                return seen.error if seen.status == "created" else ""
            fault = await self._fault(container_id)
            if fault:
                return fault
            await asyncio.sleep(0.1)
        return "the Swarm did not start it within a minute"

    async def _fault(self, service: str) -> str:
        """Why the Swarm has given the task up; "" while it has not."""
        for task in (await self._fleet.swarm.tasks(service))[:1]:
            if task["Status"]["State"] in ("rejected", "failed", "orphaned"):
                return str(task["Status"].get("Err") or task["Status"]["State"])[:500]
        return ""

    async def _has_ended(self, engine: Engine, container: str) -> bool:
        seen = await engine.inspect(container)
        return isinstance(seen, Absent) or seen.status == "exited"

    async def _let_go(self, engine: Engine) -> None:
        """Remove the service and container of an earlier start, whose output was read."""
        await self._fleet.swarm.remove_service(self._key.container_name)
        await engine.remove(self._known().container)
        self._follower = None
        self._keep(replace(self._known(), container=""))

    async def _find(self, engine: Engine) -> str:
        """The id of its container on the node; "" while there is none."""
        filters = {"label": f"{LABEL_RUN}={self._key.text}"}
        found = await call(lambda: engine.api.containers(all=True, filters=filters))
        return str(found[0]["Id"]) if found else ""

    # ---- while it runs ----------------------------------------------------------------------

    async def look(self, container_id: str) -> Container | Absent:
        """What its node says of it.

        Raises:
            Unavailable: the node does not answer, and may yet: its container has a lease.
        """
        if not container_id or self._placed is None:
            return Absent()
        try:
            engine = await self._node_engine()
            container = self._placed.container or await self._find(engine)
            if not container:
                return Container("created")
            seen = await engine.inspect(container)
        except Unavailable:
            if not self._is_lost():
                raise
            return self._gone()
        if isinstance(seen, Container) and seen.started_ms and not self._placed.started_ms:
            self._keep(replace(self._placed, container=container, started_ms=seen.started_ms))
        return seen

    def _is_lost(self) -> bool:
        """Whether the Swarm has lost the node too, and the lease of the container there is over."""
        placed = self._known()
        node = self._fleet.nodes.get(placed.node)
        over = placed.leased_until and time.time() > placed.leased_until + LEASE_MARGIN_S
        return bool(over) and (node is None or not node.up)

    def _gone(self) -> Container:
        placed = self._known()
        self._keep(replace(placed, lost=True))
        end_ms = max(placed.started_ms, int(placed.leased_until * 1000))
        why = "the node that ran it is gone from the fleet"
        started_ms = placed.started_ms or end_ms
        return Container("exited", KILLED_CODE, False, started_ms, end_ms, 0, why)

    def follow(self, container_id: str) -> None:
        """Read its output on, unless that is done or under way; tried again when it failed."""
        if self.spool.full or self._engine is None or not self._known().container:
            return
        if self._follower is None or (self._follower.done.is_set() and self._follower.failed):
            container = self._known().container
            self._follower = Follower(self._engine, container, self.spool, self._printed)

    def _printed(self) -> None:
        lines = [] if self._has_printed else self.spool.read(-1, 1)
        if lines:
            self._has_printed = True
            mark("first_log_line", self._key.job_id, self._key.attempt, lines[0].at_ms)
        self._notify()

    async def sample(self, seen: Container) -> None:
        """Meter it by its node's counters and clock."""
        if seen.started_ms == 0:
            return
        ended = seen.status == "exited"
        found = await self._usage(ended)
        self._oom_kills = max(self._oom_kills, int(found["oom_kills"]))
        counters = None
        if found["known"]:
            memory = (int(found["memory_bytes"]), int(found["memory_peak_bytes"]))
            counters = Counters(int(found["cpu_ns"]), *memory, int(found["oom_kills"]))
        at_ms = seen.finished_ms if ended else int(found["now_ms"])
        await self.meter.add(Sample(at_ms, seen.started_ms, ended, counters, 0))

    async def _usage(self, ended: bool) -> dict[str, Any]:
        """What the node has counted; at the end, once nothing can be added to that."""
        for _ in range(SETTLE_TRIES):
            found = await self._link().ask("usage", self._key.text)
            if found["killed"]:
                (self._folder / lease.ENDED_NAME).touch()
            if not ended or found["settled"]:
                break
            await asyncio.sleep(SETTLE_S)
        return found

    async def renew_lease(self, container_id: str, pid: int, seconds: float) -> None:
        """Let it go on for so long from now without a word of ours; the node sees to it."""
        until = time.time() + seconds
        asked = {"seconds": seconds, "fresh": pid == 0}
        answer = await self._link().ask("lease", self._key.text, **asked)
        if answer["done"]:
            self._keep(replace(self._known(), leased_until=until))

    async def stop(self, container_id: str, seconds: int) -> None:
        """SIGTERM, and SIGKILL after so many seconds."""
        engine = await self._node_engine()
        container = self._known().container or await self._find(engine)
        if container:
            await engine.stop(container, seconds)

    # ---- after its end ----------------------------------------------------------------------

    async def note_exit(self, seen: Container | Absent, why: str) -> Exit:
        """Take the last sample and read the output to its end; how it ended."""
        self._fleet.release(self._key)
        if self._placed is not None:
            self._keep(replace(self._placed, ended=True))
        lost = self._placed is not None and self._placed.lost
        if not isinstance(seen, Container) or seen.started_ms == 0 or lost:
            await self.meter.flush()
            code = KILLED_CODE if lost or isinstance(seen, Absent) else 127
            now_ms = unix_ms()
            reason = why or (seen.error if isinstance(seen, Container) else "")
            return Exit(code, now_ms - self.meter.totals.wall_ms, now_ms, reason)
        await self.sample(seen)
        await self._last_lines()
        if seen.exit_code != 0 and (seen.oom_killed or self._oom_kills > 0):
            limit = self._manifest.reserved().memory_mib
            why = f"killed: out of memory (limit {limit} MiB)"
            return Exit(KILLED_CODE, seen.started_ms, seen.finished_ms, why)
        return Exit(seen.exit_code, seen.started_ms, seen.finished_ms, why or seen.error)

    async def _last_lines(self) -> None:
        if self._follower is not None:
            try:
                await asyncio.wait_for(self._follower.done.wait(), LAST_LINES_SECONDS)
            except TimeoutError:
                await self._follower.close()

    async def take_results(self) -> Path | None:
        """The results as plain files in a folder of our own; None when there are none, or their node is gone."""
        target = self._folder / "results"
        await asyncio.to_thread(shutil.rmtree, target, ignore_errors=True)
        if self._placed is None or self._placed.lost:
            return None
        engine, keeper = await self._node_engine(), keeper_of(self._key)
        place, limit = mount_point(self._manifest.results), self._manifest.resources.disk_mib * MIB
        try:
            chunks, _ = await call(lambda: engine.api.get_archive(keeper, place))
        except NotFound:
            return None  # it was removed from outside
        taken = await call(lambda: take_archive(chunks, target, limit))
        return target if taken.files else None

    async def clean(self, container_id: str) -> None:
        """Remove service, containers, results space and network. Ledger and log stay as evidence.

        Raises:
            Unavailable: something of it is still in use, or its node, which is up, does not answer.
        """
        if self._follower is not None:
            await self._follower.close()
        self._fleet.release(self._key)
        if self._placed is not None:
            swarm, name = self._fleet.swarm, self._key.container_name
            await swarm.remove_service(name)
            node = self._fleet.nodes.get(self._placed.node)
            if node is not None and node.up:
                await self._clean_node()
            await swarm.remove_network(name)
        await asyncio.to_thread(shutil.rmtree, self._folder / "results", ignore_errors=True)

    async def _clean_node(self) -> None:
        engine = await self._node_engine()
        for container in (
            self._known().container or await self._find(engine),
            keeper_of(self._key),
        ):
            if container:
                await engine.remove(container)
        with suppress(NotFound):
            await call(lambda: engine.api.remove_volume(volume_of(self._key), force=True))
        await self._link().ask("drop", self._key.text)

    async def close(self) -> None:
        """Let go of it without touching it: the next start takes it up again."""
        if self._follower is not None:
            await self._follower.close()
        await self.meter.flush()
        self.meter.close()
        self.spool.close()

    # ---- where it is ------------------------------------------------------------------------

    def _known(self) -> Placed:
        if self._placed is None:
            raise Unavailable("The run has no node yet.")
        return self._placed

    def _link(self) -> NodeLink:
        placed = self._known()
        node = self._fleet.nodes.get(placed.node)
        return self._fleet.link(placed.node, node.address if node is not None else placed.address)

    async def _node_engine(self) -> Engine:
        self._engine = await self._link().engine()
        return self._engine

    def _keep(self, placed: Placed) -> None:
        self._placed = placed
        new = self._folder / f"{PLACE_NAME}.new"
        new.write_text(json.dumps(asdict(placed)))
        new.rename(self._folder / PLACE_NAME)


def load_placed(folder: Path) -> Placed | None:
    """Where a run is; None before it was placed."""
    path = folder / PLACE_NAME
    return Placed(**json.loads(path.read_text())) if path.exists() else None
