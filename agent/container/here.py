"""This machine, as all runs of an agent share it: its Engine, and its kernel's control groups."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from agent.container.resolvers import of_this_machine
from agent.container.runtime import Chosen, RuntimeSetting, choose
from agent.container.secrets import why_not
from agent.engine.engine import Engine
from agent.engine.facts import EngineFacts
from agent.meter.cgroup import Mounts, parse_mounts
from agent.output.spool import MAX_LOG_BYTES
from chain.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Machine:
    """What all runs of an agent share.

    Args:
        log_bytes: that one run's output may have.
        dns: name servers for jobs with a network.
    """

    engine: Engine
    facts: EngineFacts
    mounts: Mounts
    runtime: RuntimeSetting = "auto"
    dns: tuple[str, ...] = ()
    log_bytes: int = MAX_LOG_BYTES

    def runtime_of(self, manifest: Manifest) -> Chosen:
        """The container runtime of a job here."""
        no_place = why_not(manifest.secrets, self.facts)
        return Chosen(why_not=no_place) if no_place else choose(self.runtime, self.facts, manifest)


async def this_machine(engine: Engine, runtime: RuntimeSetting = "auto") -> Machine:
    """Look at the Engine and the kernel."""
    facts = await engine.facts()
    text = await asyncio.to_thread(Path("/proc/mounts").read_text)
    dns = await asyncio.to_thread(of_this_machine)
    return Machine(engine, facts, parse_mounts(text, facts.cgroup_version), runtime, dns)
