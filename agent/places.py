"""Where an agent's jobs run: on one Engine, or on the Swarm that it manages; and what keeps up with it there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import structlog

from agent.container.engine_host import EngineHost
from agent.container.here import this_machine
from agent.engine.ends import Ends
from agent.engine.engine import Engine
from agent.engine.facts import weaknesses
from agent.engine.isolation import MIB
from agent.link.images import SchedulerImages
from agent.link.link import Link
from agent.runs.delivery import Delivery, Sources, from_node
from agent.runs.drain import Drain
from agent.runs.gpus import NO_GPUS, list_gpus
from agent.runs.runs import Runs
from agent.runs.store import Store
from agent.settings import AgentSettings
from agent.swarm.fleet import Fleet, open_fleet
from agent.sweep.layers import layers_of
from agent.sweep.sweep import Rules, Sweeper, sweeper_of
from chain.job import Address

log = structlog.get_logger()


async def open_machine(
    stack: AsyncExitStack, settings: AgentSettings, agent: Address
) -> tuple[EngineHost | Fleet, AgentSettings]:
    """Where jobs run, and the settings with what that offers.

    Raises:
        Unavailable: no Engine answers, or no node of the fleet.
        InvalidInput: a fleet is asked for, and the Engine manages none.
    """
    engine = Engine()
    stack.callback(engine.close)
    if settings.registry is not None:
        engine.login_of = settings.registry.of
    log_bytes = settings.log_mib * MIB
    if settings.fleet is not None:
        fleet = await open_fleet(engine, agent, settings.fleet, settings.home, log_bytes)
        stack.callback(fleet.close)
        return fleet, replace(settings, capacity=fleet.capacity)
    machine = replace(await this_machine(engine, settings.runtime), log_bytes=log_bytes)
    for weakness in weaknesses(machine.facts):
        log.warning("engine.weak", why=weakness)
    return EngineHost(machine), settings


async def empty_runs(settings: AgentSettings, host: EngineHost | Fleet) -> Runs:
    """No runs yet, on what is offered."""
    if isinstance(host, Fleet):
        return Runs(settings.capacity, Drain(settings.home), NO_GPUS)
    gpus = (await list_gpus({one.name for one in host.machine.facts.runtimes})).first(settings.gpus)
    log.info("agent.gpus", count=len(gpus.ids), why=gpus.why)
    return Runs(settings.capacity, Drain(settings.home), gpus)


def keeper_of(
    settings: AgentSettings,
    agent: Address,
    host: EngineHost | Fleet,
    runs: Runs,
    lapse_after: float,
) -> tuple[Sweeper | Fleet, Callable[[int], str]]:
    """What keeps up with where jobs run, and whether its disks have room."""
    if isinstance(host, Fleet):
        return host, host.disk_room
    limits = Rules(settings.keep_s, settings.disk_mib, lapse_after)
    sweeper = sweeper_of(settings.home, agent, host.machine, runs, limits)
    return sweeper, sweeper.room


def hear_of_ends(
    stack: AsyncExitStack, host: EngineHost | Fleet, agent: Address, runs: Runs
) -> Callable[[], bool]:
    """Hear of ended containers, if they are on this Engine; whether they would be told of now."""
    if isinstance(host, Fleet):
        host.changed = runs.offer_in_all
        return lambda: False
    ends = Ends(host.engine, agent, runs.ended)
    stack.push_async_callback(ends.close)
    return lambda: ends.hears


def delivery_of(
    settings: AgentSettings, host: EngineHost | Fleet, link: Link, store: Store
) -> Delivery:
    """Images of schedulers that share no Docker Engine with this machine."""
    theirs = SchedulerImages(settings.scheduler_urls, link.session)
    sources = Sources(theirs.image, (from_node(store.api), theirs.layer), theirs.whole)
    return Delivery(host.engine, layers_of(settings.home), sources, settings.disk_mib * MIB)
