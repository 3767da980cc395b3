"""The Swarm's manager in a few verbs. Its SDK blocks, so every call runs in a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import docker
from docker.errors import NotFound

from agent.engine.call import EngineRefused, call
from agent.swarm.placement import Node
from chain.errors import InvalidInput
from chain.job import Digest, Resources
from chain.manifest import ResourceSpec
from chain.measures import mib

_T = TypeVar("_T")
MIB = 1024 * 1024
ONCE: dict[str, Any] = {
    "Replicated": {"Replicas": 1}
}  # job mode keeps ended tasks, with what they reserved
EVERYWHERE: dict[str, Any] = {"Global": {}}
LABEL_OFFER, LABEL_CPUS, LABEL_MEMORY = "draas.offer", "draas.cpus", "draas.memory"


class Swarm:
    """A manager of the Swarm, found as the docker command finds its Engine (DOCKER_HOST)."""

    def __init__(self, api: docker.APIClient) -> None:
        self._api = api

    async def check(self) -> None:
        """See that this Engine is a manager.

        Raises:
            InvalidInput: it is not, or too old.
        """
        info, version = await call(self._api.info), await call(self._api.version)
        if not (info.get("Swarm") or {}).get("ControlAvailable"):
            raise InvalidInput(
                "AGENT_FLEET=swarm, and the Docker Engine is no manager of a Swarm.",
                "Point DOCKER_HOST to a manager, or run: docker swarm init",
            )
        if tuple(map(int, str(version["ApiVersion"]).split("."))) < (1, 41):
            raise InvalidInput("The Swarm's manager is older than Docker 20.10.", "Update it.")

    async def nodes(self) -> list[Node]:
        """Every node that the manager knows."""
        found: list[dict[str, Any]] = await call(self._api.nodes)
        return [node_of(one) for one in found]

    async def make_network(self, name: str, labels: Mapping[str, str]) -> None:
        """A network that leads nowhere, for one run; no error when it is there already."""
        if await call(lambda: self._api.networks(names=[f"^{name}$"])):
            return
        await call(
            lambda: self._api.create_network(
                name, driver="overlay", internal=True, labels=dict(labels), scope="swarm"
            )
        )

    async def remove_network(self, name: str) -> None:
        """Remove a network. No error when it is not there.

        Raises:
            EngineRefused: a container is still on it.
        """
        await _unless_gone(lambda: self._api.remove_network(name))

    async def have_config(self, name: str, content: bytes) -> str:
        """A config of this name; its id."""
        for one in await call(lambda: self._api.configs(filters={"name": name})):
            if one["Spec"]["Name"] == name:
                return str(one["ID"])
        made = await call(lambda: self._api.create_config(name, content))
        return str(made["ID"])

    async def have_secret(self, name: str, content: bytes) -> str:
        """A secret of this name; its id."""
        for one in await call(lambda: self._api.secrets(filters={"name": name})):
            if one["Spec"]["Name"] == name:
                return str(one["ID"])
        made = await call(lambda: self._api.create_secret(name, content))
        return str(made["ID"])

    async def service(self, name: str) -> dict[str, Any] | None:
        """A service; None when there is none of the name."""
        try:
            found: dict[str, Any] = await call(lambda: self._api.inspect_service(name))
        except NotFound:
            return None
        return found

    async def make_service(
        self, name: str, task: Mapping[str, Any], mode: Mapping[str, Any], labels: Mapping[str, str]
    ) -> None:
        """Make a service; one of the name is taken as made by an earlier try."""
        try:
            await call(
                lambda: self._api.create_service(
                    dict(task),
                    name=name,
                    labels=dict(labels),
                    mode=dict(mode),
                    endpoint_spec={"Mode": "dnsrr"},
                )
            )
        except EngineRefused as error:
            if error.code != 409:
                raise

    async def update_service(self, found: Mapping[str, Any], task: Mapping[str, Any]) -> None:
        """Give a service another task; its mode stays."""
        spec = found["Spec"]
        await call(
            lambda: self._api.update_service(
                found["ID"],
                found["Version"]["Index"],
                task_template=dict(task),
                name=spec["Name"],
                labels=spec["Labels"],
                mode=dict(EVERYWHERE),
                endpoint_spec={"Mode": "dnsrr"},
            )
        )

    async def remove_service(self, name: str) -> None:
        """Remove a service with its tasks. No error when it is not there."""
        await _unless_gone(lambda: self._api.remove_service(name))

    async def tasks(self, service: str) -> list[dict[str, Any]]:
        """The tasks of a service, newest first."""
        found: list[dict[str, Any]] = await call(
            lambda: self._api.tasks(filters={"service": service})
        )
        return sorted(found, key=lambda task: str(task["CreatedAt"]), reverse=True)

    def save_image(self, digest: Digest) -> Iterator[bytes]:
        """An image as an archive; blocking."""
        chunks: Iterator[bytes] = self._api.get_image(digest)
        return chunks


def node_of(found: Mapping[str, Any]) -> Node:
    """A node as the manager tells of it. What it offers is what it has, or what its labels say."""
    spec, description = found["Spec"], found.get("Description") or {}
    has, labels = description.get("Resources") or {}, spec.get("Labels") or {}
    status, lead = found.get("Status") or {}, found.get("ManagerStatus") or {}
    address = str(status.get("Addr") or "")
    if address in ("", "0.0.0.0"):  # noqa: S104 - how a lone manager tells of itself
        address = str(lead.get("Addr") or "").rpartition(":")[0]
    offers = Resources(
        int(has.get("NanoCPUs") or 0) // 10**6, int(has.get("MemoryBytes") or 0) // MIB, 0
    )
    up = status.get("State") == "ready"
    return Node(
        id=str(found["ID"]),
        name=str(description.get("Hostname") or found["ID"]),
        address=address,
        offers=_labelled(offers, labels),
        up=up,
        takes=up and spec.get("Availability") == "active" and labels.get(LABEL_OFFER) != "no",
    )


def _labelled(has: Resources, labels: Mapping[str, str]) -> Resources:
    """What a node offers: less than it has, where a label of it says so."""
    given = {"cpus": labels.get(LABEL_CPUS), "memory": labels.get(LABEL_MEMORY)}
    try:
        spec = ResourceSpec.model_validate({name: text for name, text in given.items() if text})
    except ValueError:
        return Resources(0, 0, 0)  # nobody knows what was meant
    cpu = int(spec.cpus * 1000) if given["cpus"] else has.cpu_millis
    memory = mib(spec.memory) if given["memory"] else has.memory_mib
    return Resources(min(cpu, has.cpu_millis), min(memory, has.memory_mib), 0)


async def _unless_gone(act: Callable[[], Any]) -> None:
    try:
        await call(act)
    except NotFound:
        return
