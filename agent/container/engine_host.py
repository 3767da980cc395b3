"""One Engine as the place where an agent's jobs run."""

from __future__ import annotations

from dataclasses import dataclass

from agent.container.container import RunContainer
from agent.container.here import Machine
from agent.container.host import Wanted
from agent.container.runtime import Chosen, offered
from agent.engine.engine import Engine
from agent.engine.isolation import ImageFacts, RunKey
from agent.engine.pull import Bring
from chain.job import Digest, Resources
from chain.manifest import Manifest


@dataclass(frozen=True, slots=True)
class EngineHost:
    """A `Host`."""

    machine: Machine

    @property
    def engine(self) -> Engine:
        """The Engine."""
        return self.machine.engine

    @property
    def offered(self) -> list[str]:
        """The runtimes, as they are told to the scheduler."""
        return offered(self.machine.runtime, self.machine.facts)

    async def ensure_image(
        self, digest: Digest, name: str, bring: Bring | None = None
    ) -> ImageFacts:
        """As `Engine.ensure_image`."""
        return await self.engine.ensure_image(digest, name, bring)

    def room(self, left: Resources, key: RunKey, need: Resources) -> Resources:
        """All that is left."""
        return left

    def runtime_of(self, manifest: Manifest) -> Chosen:
        """The container runtime of a job here."""
        return self.machine.runtime_of(manifest)

    def container(self, wanted: Wanted) -> RunContainer:
        """The container of a run, made or not."""
        return RunContainer(self.machine, wanted)
