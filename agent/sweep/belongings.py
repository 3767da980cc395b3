"""What on a Docker Engine carries an agent's label, and removing it: containers, networks, volumes, images.

A label alone proves nothing: an image may bring any. What is ours has the name that we give, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from docker.errors import NotFound

from agent.container import network
from agent.engine.call import EngineRefused
from agent.engine.engine import Engine
from agent.engine.isolation import LABEL_AGENT, LABEL_ATTEMPT, LABEL_JOB, RunKey
from chain.job import Address, Digest, JobId
from chain.wire import is_run_key


@dataclass(frozen=True, slots=True)
class Belonging:
    """One thing of a run."""

    kind: Literal["container", "network", "volume"]
    id: str
    key: RunKey
    running: bool = False


def belonging_of(
    kind: Literal["container", "network", "volume"],
    thing: tuple[str, str],
    labels: Mapping[str, str],
    agent: Address,
    running: bool = False,
) -> Belonging | None:
    """A labelled thing as one of ours; None for what is not.

    Args:
        thing: its id and its name.
    """
    job, attempt = labels.get(LABEL_JOB, ""), labels.get(LABEL_ATTEMPT, "")
    if labels.get(LABEL_AGENT) != agent or not is_run_key(f"{job}/{attempt}"):
        return None
    key = RunKey(JobId(job), int(attempt), agent)
    return Belonging(kind, thing[0], key, running) if thing[1] == key.container_name else None


async def belongings(engine: Engine, agent: Address) -> list[Belonging]:
    """Everything of this agent's runs, containers first.

    Raises:
        Unavailable: the Engine does not answer.
    """
    wanted = {"label": f"{LABEL_AGENT}={agent}"}
    containers = await engine.ask(lambda api: api.containers(all=True, filters=wanted))
    networks = await engine.ask(lambda api: api.networks(filters=wanted))
    volumes = await engine.ask(lambda api: api.volumes(filters=wanted)["Volumes"] or [])
    found: list[Belonging | None] = []
    for one in containers:
        thing = (one["Id"], one["Names"][0].lstrip("/"))
        runs = one["State"] not in ("created", "exited", "dead")
        found.append(belonging_of("container", thing, one["Labels"], agent, runs))
    for one in networks:
        found.append(belonging_of("network", (one["Id"], one["Name"]), one["Labels"] or {}, agent))
    for one in volumes:
        name = one["Name"]
        found.append(belonging_of("volume", (name, name), one["Labels"] or {}, agent))
    return [one for one in found if one is not None]


async def discard(engine: Engine, one: Belonging) -> bool:
    """Remove it; False when the Engine refuses, for whatever still uses it. No error when it is gone.

    Raises:
        Unavailable: the Engine does not answer.
    """
    if one.kind == "network":
        return await _without_network(engine, one.key)
    if one.kind == "volume":
        return await _removed(engine, lambda api: api.remove_volume(one.id))
    return await _removed(engine, lambda api: api.remove_container(one.id, v=True, force=True))


async def image_mib(engine: Engine, digest: Digest) -> int | None:
    """What an image takes, in MiB, layers shared with others included; None when it is not there.

    Raises:
        Unavailable: the Engine does not answer.
    """
    try:
        found = await engine.ask(lambda api: api.inspect_image(digest))
    except NotFound:
        return None
    return int(found["Size"]) // 1024**2 + 1


async def drop_image(engine: Engine, digest: Digest) -> bool:
    """Remove an image; False when something uses it.

    Raises:
        Unavailable: the Engine does not answer.
    """
    return await _removed(engine, lambda api: api.remove_image(digest))


async def _without_network(engine: Engine, key: RunKey) -> bool:
    try:
        await network.close_network(engine, key)  # with its rules of the firewall
    except EngineRefused:
        return False
    return True


async def _removed(engine: Engine, act: Callable[[Any], Any]) -> bool:
    try:
        await engine.ask(act)
    except NotFound:
        return True
    except EngineRefused:
        return False
    return True
