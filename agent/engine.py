"""The Docker Engine in a few verbs. Its SDK blocks, so every call runs in a thread.

Raises `Unavailable` from every verb when the Engine does not answer: that says nothing about the containers.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.types import CancellableStream

from agent.isolation import LABEL_AGENT, ImageFacts
from agent.reconcile import Absent, Container
from chain.errors import Conflict, InvalidInput, Unavailable
from chain.job import Address, Digest
from chain.trace import traced

ANSWER_SECONDS = 60
PULL_SECONDS = 900
_T = TypeVar("_T")
_TIME = re.compile(r"^(.*?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$")


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What the Engine can do."""

    cgroup_version: int
    systemd: bool
    has_init: bool
    local: bool  # on this machine, by its socket


class EngineRefused(Unavailable):
    """The Engine answered with an error.

    Args:
        code: the HTTP status of its answer.
        reason: its words, for people.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"The Docker Engine refused: {reason}.", "See its log.")
        self.code = code
        self.reason = reason


class Engine:
    """One Docker Engine: that of the client, else found as the docker command finds it (DOCKER_HOST).

    Raises:
        Unavailable: none answers.
    """

    def __init__(self, client: docker.DockerClient | None = None) -> None:
        try:
            self._client = client or docker.from_env(timeout=ANSWER_SECONDS)
        except (DockerException, requests.RequestException) as error:
            raise Unavailable(
                f"No Docker Engine answers: {error}.", "Start Docker, or set DOCKER_HOST."
            ) from None

    @property
    def api(self) -> docker.APIClient:
        """The SDK itself, whose calls block."""
        return self._client.api

    async def facts(self) -> EngineFacts:
        """Ask what the Engine can do."""
        info = await _call(self._client.info)
        return EngineFacts(
            cgroup_version=int(info.get("CgroupVersion") or 1),
            systemd=info.get("CgroupDriver") == "systemd",
            has_init=bool((info.get("InitCommit") or {}).get("ID")),
            local=str(self._client.api.base_url).startswith("http+docker:"),
        )

    @traced("pull")
    async def ensure_image(self, digest: Digest, name: str) -> ImageFacts:
        """Have the image of this digest on the machine, pulling it by name when it is not there.

        Raises:
            InvalidInput: it cannot be had, or what the name stands for is another image.
        """
        found = await self._image(digest)
        if found is not None:
            return found
        if not name:
            raise InvalidInput(
                f"The image {digest} is not on this machine, and no place to pull it from is named.",
                "Let the scheduler push images (DOCKER_HUB_PUSH), or share its Docker Engine.",
            )
        await _call(lambda: self._pull(name))
        pulled = await self._image(Digest(name))
        if pulled is None or pulled.digest != digest:
            got = "nothing" if pulled is None else pulled.digest
            raise InvalidInput(
                f"{name} is not the image of the assignment: {got} instead of {digest}.",
                "Let the scheduler push the image again.",
            )
        return pulled

    def _pull(self, name: str) -> None:
        repository, _, tag = name.rpartition(":") if ":" in name.split("/")[-1] else (name, "", "")
        try:
            self._client.api.pull(repository, tag or "latest")
        except NotFound as error:
            raise InvalidInput(
                f"The image {name} cannot be pulled: {error.explanation}.",
                "Log this machine in to its registry, or let the scheduler push it.",
            ) from None

    async def _image(self, name: Digest) -> ImageFacts | None:
        try:
            found = await _call(lambda: self._client.api.inspect_image(name))
        except ImageNotFound:
            return None
        config = found.get("Config") or {}
        return ImageFacts(
            digest=Digest(found["Id"]),
            user=config.get("User") or "",
            volumes=tuple(config.get("Volumes") or ()),
            environment=tuple(config.get("Env") or ()),
        )

    async def create(self, name: str, body: Mapping[str, Any]) -> str:
        """Make a container; one of the same name and labels is taken as made by an earlier try.

        Returns:
            its id.

        Raises:
            Conflict: a container of somebody else has the name.
        """
        try:
            made = await _call(
                lambda: self._client.api.create_container_from_config(dict(body), name)
            )
        except EngineRefused as error:
            if error.code != 409:
                raise
            return await self._same(name, body)
        return str(made["Id"])

    async def _same(self, name: str, body: Mapping[str, Any]) -> str:
        found = await _call(lambda: self._client.api.inspect_container(name))
        labels = found["Config"]["Labels"] or {}
        if any(labels.get(key) != value for key, value in body["Labels"].items()):
            raise Conflict(f"A container of somebody else is named {name}.", "Remove it.")
        return str(found["Id"])

    async def start(self, container_id: str) -> str:
        """Start a container; "" when it runs, else why it cannot."""
        try:
            await _call(lambda: self._client.api.start(container_id))
        except EngineRefused as error:
            return error.reason
        return ""

    async def stop(self, container_id: str, seconds: int) -> None:
        """SIGTERM, and SIGKILL after so many seconds. No error when it has ended or is not there."""
        try:
            await _call(lambda: self._client.api.stop(container_id, timeout=seconds))
        except NotFound:
            return

    async def inspect(self, container_id: str) -> Container | Absent:
        """Look at a container."""
        try:
            found = await _call(lambda: self._client.api.inspect_container(container_id))
        except NotFound:
            return Absent()
        return container_of(found["State"])

    async def remove(self, container_id: str) -> None:
        """Remove a container with its anonymous volumes. No error when it is not there."""
        try:
            await _call(lambda: self._client.api.remove_container(container_id, v=True, force=True))
        except NotFound:
            return
        except EngineRefused as error:
            if error.code != 409:  # its removal is under way already
                raise

    async def of_agent(self, agent: Address) -> dict[str, str]:
        """Containers that carry this agent's label: id → name."""
        filters = {"label": f"{LABEL_AGENT}={agent}"}
        found = await _call(lambda: self._client.api.containers(all=True, filters=filters))
        return {item["Id"]: item["Names"][0].lstrip("/") for item in found}

    async def make_network(self, name: str, bridge: str, labels: Mapping[str, str]) -> None:
        """A bridge network for one container; no error when it is there already."""
        options = {
            "com.docker.network.bridge.name": bridge,
            "com.docker.network.bridge.enable_icc": "false",
        }
        if await _call(lambda: self._client.api.networks(names=[f"^{name}$"])):
            return
        await _call(
            lambda: self._client.api.create_network(
                name, driver="bridge", options=options, labels=dict(labels), check_duplicate=True
            )
        )

    async def remove_network(self, name: str) -> None:
        """Remove a network. No error when it is not there."""
        try:
            await _call(lambda: self._client.api.remove_network(name))
        except NotFound:
            return

    def follow_logs(self, container_id: str, since_s: int) -> LogStream:
        """Open a container's output from a second on, until it ends. Blocking: for a thread of its own.

        Raises:
            Unavailable: the Engine does not answer, or has no such container.
        """
        api = self._client.api
        url = f"{api.base_url}/v{api.api_version}/containers/{container_id}/logs"
        asked = {"stdout": 1, "stderr": 1, "follow": 1, "timestamps": 1, "since": since_s}
        try:
            response = api.get(url, params=asked, stream=True, timeout=(ANSWER_SECONDS, None))
            response.raise_for_status()
        except requests.RequestException as error:
            raise Unavailable(f"The logs cannot be read: {error}.") from None
        return LogStream(response)

    def close(self) -> None:
        """Close the connections. Containers are left as they are."""
        self._client.close()


class LogStream:
    """The raw bytes of a container's output, which another thread can cut off."""

    def __init__(self, response: requests.Response) -> None:
        self._chunks = CancellableStream(response.iter_content(chunk_size=None), response)

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks

    def close(self) -> None:
        """End the iteration, also from outside."""
        try:
            self._chunks.close()
        except OSError:
            return  # it has ended by itself


def container_of(state: Mapping[str, Any]) -> Container:
    """The Engine's `State` as ours."""
    status = str(state["Status"])
    running = status in ("running", "paused", "restarting", "removing")
    return Container(
        status="created" if status == "created" else "running" if running else "exited",
        exit_code=int(state.get("ExitCode") or 0),
        oom_killed=bool(state.get("OOMKilled")),
        started_ms=unix_ms_of(state.get("StartedAt") or ""),
        finished_ms=unix_ms_of(state.get("FinishedAt") or ""),
        pid=int(state.get("Pid") or 0),
        error=str(state.get("Error") or "")[:500],
    )


def unix_ms_of(text: str) -> int:
    """An RFC 3339 time with nanoseconds as Unix milliseconds; 0 for the Engine's year 1."""
    match = _TIME.match(text)
    if match is None or text.startswith("0001-"):
        return 0
    zone = match[3].replace("Z", "+00:00")
    whole = int(datetime.fromisoformat(match[1] + zone).astimezone(UTC).timestamp())
    return whole * 1000 + int((match[2] or "0").ljust(9, "0")[:3])


async def _call(act: Callable[[], _T]) -> _T:
    """Run a call of the SDK in a thread.

    Raises:
        NotFound: the SDK's own, for the verb to judge.
        EngineRefused: a definite answer, and not the one wanted.
        Unavailable: no answer.
    """
    try:
        return await asyncio.to_thread(act)
    except NotFound:
        raise
    except APIError as error:
        raise EngineRefused(error.status_code or 500, str(error.explanation)[:500]) from None
    except (requests.RequestException, DockerException) as error:
        raise Unavailable(f"The Docker Engine does not answer: {error}.", "Start it.") from None
