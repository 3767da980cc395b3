"""Where the jobs of an agent run: on one Engine (`container.py`), or on a fleet of them (`swarm/`)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agent.container.restart import Exit
from agent.container.runtime import Chosen
from agent.container.secrets import SecretSpace
from agent.engine.isolation import ImageFacts, RunKey
from agent.engine.pull import Bring
from agent.meter.meter import Meter, Seal
from agent.observed import Absent, Container
from agent.output.spool import Spool
from chain.job import Digest, Resources
from chain.manifest import Manifest
from chain.wire import Health


class JobContainer(Protocol):
    """One run's container with its meter and output. Every verb is safe to repeat, and raises `Unavailable` when
    whoever has the container does not answer: that says nothing about the container."""

    meter: Meter
    spool: Spool
    secrets: SecretSpace
    folder: Path
    health: Health
    ready: bool  # its first port takes connections
    runtime: str  # runc or gvisor, once it is made
    ill_why: str
    oom_kills_before: int  # processes killed for memory in the starts before this one
    on_health: Callable[[], None]  # told when what is checked has changed its mind

    async def create(self, image: ImageFacts, gpus: tuple[str, ...] = ()) -> str:
        """Make it, not started; its id."""

    async def start(self, container_id: str, again: bool = False) -> str:
        """Start it, or start it again; "" when it runs, else why it cannot."""

    async def look(self, container_id: str) -> Container | Absent:
        """How it is."""

    def follow(self, container_id: str) -> None:
        """Read its output on, unless that is done or under way."""

    async def sample(self, seen: Container) -> None:
        """Meter it."""

    async def renew_lease(self, container_id: str, pid: int, seconds: float) -> None:
        """Let it go on for so long from now without a word of ours; `pid` 0 for one that is about to start."""

    async def note_exit(self, seen: Container | Absent, why: str) -> Exit:
        """Take the last sample and read the output to its end; how it ended."""

    async def end_start(self, seen: Container, why: str) -> tuple[Exit, int]:
        """It has ended, to be started again: how, and the processes killed for memory so far."""

    def say(self, at_ms: int, text: str) -> None:
        """Put a notice of the agent's own into its log."""

    async def take_results(self, within_s: float = math.inf) -> tuple[Path | None, str]:
        """The results as plain files in a folder of our own, None when there are none; what was left out of them."""

    async def stop(self, container_id: str, seconds: int) -> None:
        """SIGTERM, and SIGKILL after so many seconds."""

    async def clean(self, container_id: str) -> None:
        """Remove everything but ledger and log."""

    async def close(self) -> None:
        """Let go of it; it runs on."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the container of a run is to be.

    Args:
        folder: the run's files: ledger, log, results.
        notify: called in the event loop when there are new log lines.
        seal: binds its ledger to the run and signs it.
        url: at which the world reaches the first port of a service.
        runtime: runc or gvisor, where it was created before.
    """

    key: RunKey
    manifest: Manifest
    folder: Path
    notify: Callable[[], None] = lambda: None
    seal: Seal | None = None
    url: str = ""
    runtime: str = ""


class Host(Protocol):
    """Makes the containers of runs."""

    async def ensure_image(
        self, digest: Digest, name: str, bring: Bring | None = None
    ) -> ImageFacts:
        """Have an image where jobs run.

        Args:
            name: where to pull it from; "" for nowhere.
            bring: has the Engine hold it, where it cannot be pulled.

        Raises:
            InvalidInput: it cannot be had.
        """

    def room(self, left: Resources, key: RunKey, need: Resources) -> Resources:
        """What one more run can get.

        Args:
            left: of all that is offered.
        """

    def runtime_of(self, manifest: Manifest) -> Chosen:
        """The container runtime of a job, or why it cannot run here."""

    def container(self, wanted: Wanted) -> JobContainer:
        """The container of a run, made or not."""
