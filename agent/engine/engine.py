"""The Docker Engine in a few verbs. Its SDK blocks, so every call runs in a thread.

Raises `Unavailable` from every verb when the Engine does not answer: that says nothing about the containers.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import docker
import requests
from docker.errors import DockerException, ImageNotFound, NotFound

from agent.engine.call import EngineRefused, call
from agent.engine.facts import EngineFacts, facts_of
from agent.engine.image_user import look_up
from agent.engine.isolation import LABEL_AGENT, ImageFacts
from agent.engine.passwd import is_name
from agent.engine.pull import Bring, instead, pull
from agent.engine.state import container_of
from agent.engine.stream import LogStream
from agent.observed import Absent, Container
from chain.errors import Conflict, InvalidInput, Unavailable
from chain.job import Address, Digest
from chain.trace import traced

ANSWER_SECONDS = 60
_T = TypeVar("_T")


class Engine:
    """One Docker Engine, found as the docker command finds it (DOCKER_HOST).

    Raises:
        Unavailable: none answers.
    """

    def __init__(self, client: docker.DockerClient | None = None) -> None:
        self._users: dict[Digest, str] = {}  # of images whose user is named
        try:
            self._client = client or docker.from_env(timeout=ANSWER_SECONDS)
        except (DockerException, requests.RequestException) as error:
            raise Unavailable(
                f"No Docker Engine answers: {error}.", "Start Docker, or set DOCKER_HOST."
            ) from None

        # told, in a thread, before an image is pulled, and whenever one that is here is needed
        self.pulls: Callable[[Digest], None] = lambda _: None
        self.needs: Callable[[Digest], None] = lambda _: None
        # how to log in to the registry of an image; None for as this machine's user is logged in
        self.login_of: Callable[[str], dict[str, str] | None] = lambda _: None

    @property
    def api(self) -> docker.APIClient:
        """The SDK itself, whose calls block."""
        return self._client.api

    async def ask(self, act: Callable[[docker.APIClient], _T]) -> _T:
        """Do something else with the Engine.

        Raises:
            NotFound: the SDK's own.
            EngineRefused: it refuses.
        """
        return await call(lambda: act(self._client.api))

    async def facts(self) -> EngineFacts:
        """Ask what the Engine can do."""
        info, version = await call(lambda: (self._client.info(), self._client.version()))
        local = str(self._client.api.base_url).startswith("http+docker:")
        return facts_of(info, version, local)

    @traced("pull")
    async def ensure_image(
        self, digest: Digest, name: str, bring: Bring | None = None
    ) -> ImageFacts:
        """Have the image of this digest on the machine: pulled by name, else brought in some other way.

        Args:
            name: where to pull it from; "" for nowhere.
            bring: has the Engine hold it, where it cannot be pulled.

        Raises:
            InvalidInput: it cannot be had, or what was got is another image.
            Unavailable: no answer: try again.
        """
        found = await self._image(digest)
        if found is not None:
            await asyncio.to_thread(self.needs, digest)
            return found
        if not name and bring is None:
            raise InvalidInput(
                f"The image {digest} is not on this machine, and no place to pull it from is named.",
                "Let the scheduler push images (DOCKER_HUB_PUSH), or share its Docker Engine.",
            )
        await asyncio.to_thread(self.pulls, digest)
        try:
            return await self._pulled(digest, name)
        except InvalidInput:
            if bring is None:
                raise
            await bring()
        except Unavailable as silent:
            if bring is None:
                raise
            await instead(bring, silent)
        found = await self._image(digest)
        if found is None:
            raise Unavailable(f"The image {digest} was brought, and is gone again.", "Try again.")
        return found

    async def has_image(self, digest: Digest) -> bool:
        """Whether the image is on the machine."""
        return await self._image(digest) is not None

    async def _pulled(self, digest: Digest, name: str) -> ImageFacts:
        if not name:
            raise InvalidInput("No place to pull it from is named.")
        await call(lambda: pull(self._client.api, name, self.login_of(name)))
        pulled = await self._image(Digest(name))
        if pulled is None or pulled.digest != digest:
            got = "nothing" if pulled is None else pulled.digest
            raise InvalidInput(
                f"{name} is not the image of the assignment: {got} instead of {digest}.",
                "Let the scheduler push the image again.",
            )
        return pulled

    async def _image(self, name: Digest) -> ImageFacts | None:
        try:
            found = await call(lambda: self._client.api.inspect_image(name))
        except ImageNotFound:
            return None
        config = found.get("Config") or {}
        return ImageFacts(
            digest=Digest(found["Id"]),
            user=await self._user_of(Digest(found["Id"]), config.get("User") or ""),
            volumes=tuple(config.get("Volumes") or ()),
            environment=tuple(config.get("Env") or ()),
        )

    async def _user_of(self, digest: Digest, user: str) -> str:
        """A user by number: an image may give root any name."""
        if not is_name(user):
            return user
        if digest not in self._users:
            self._users[digest] = await call(lambda: look_up(self._client.api, digest, user))
        return self._users[digest]

    async def create(self, name: str, body: Mapping[str, Any]) -> str:
        """Make a container; one of the same name and labels is taken as made by an earlier try.

        Returns:
            its id.

        Raises:
            Conflict: a container of somebody else has the name.
            InvalidInput: the Engine says that such a container cannot be.
            Unavailable: the image is not here any more.
        """
        try:
            made = await call(
                lambda: self._client.api.create_container_from_config(dict(body), name)
            )
        except NotFound as error:
            raise Unavailable(f"The Docker Engine refused: {error.explanation}.") from None
        except EngineRefused as error:
            if error.code == 400:
                why = f"The container cannot be made: {error.reason}."
                raise InvalidInput(why, "See the manifest and the Engine's log.") from None
            if error.code != 409:
                raise
        else:
            return str(made["Id"])
        found = await self.named(name, body["Labels"])
        if not found:
            raise Conflict(f"A container of somebody else is named {name}.", "Remove it.")
        return found

    async def named(self, name: str, labels: Mapping[str, str]) -> str:
        """The id of the container with this name and these labels; "" when there is none."""
        found = await self._found(name)
        if found is None:
            return ""
        has = found["Config"]["Labels"] or {}
        ours = all(has.get(key) == value for key, value in labels.items())
        return str(found["Id"]) if ours else ""

    async def start(self, container_id: str) -> str:
        """Start a container; "" when it runs, else why it cannot."""
        try:
            await call(lambda: self._client.api.start(container_id))
        except NotFound:
            return "it was removed from outside"
        except EngineRefused as error:
            return error.reason
        return ""

    async def stop(self, container_id: str, seconds: int) -> None:
        """SIGTERM, and SIGKILL after so many seconds. No error when it has ended or is not there."""
        try:
            await call(lambda: self._client.api.stop(container_id, timeout=seconds))
        except NotFound:
            return

    async def inspect(self, container_id: str) -> Container | Absent:
        """Look at a container."""
        found = await self._found(container_id)
        return Absent() if found is None else container_of(found)

    async def log_path(self, container_id: str) -> str:
        """The file of a container's output on the Engine's machine; "" when there is none."""
        return str((await self._found(container_id) or {}).get("LogPath") or "")

    async def _found(self, name: str) -> dict[str, Any] | None:
        """What the Engine says of a container; None when there is none."""
        try:
            found: dict[str, Any] = await call(lambda: self._client.api.inspect_container(name))
        except NotFound:
            return None
        return found

    async def remove(self, container_id: str) -> None:
        """Remove a container with its anonymous volumes. No error when it is not there."""
        try:
            await call(lambda: self._client.api.remove_container(container_id, v=True, force=True))
        except NotFound:
            return
        except EngineRefused as error:
            if error.code != 409:  # its removal is under way already
                raise

    async def make_network(self, name: str, bridge: str, labels: Mapping[str, str]) -> None:
        """A bridge network for one container; no error when it is there already."""
        options = {
            "com.docker.network.bridge.name": bridge,
            "com.docker.network.bridge.enable_icc": "false",
        }
        if await call(lambda: self._client.api.networks(names=[f"^{name}$"])):
            return
        await call(
            lambda: self._client.api.create_network(
                name, driver="bridge", options=options, labels=dict(labels), check_duplicate=True
            )
        )

    async def remove_network(self, name: str) -> None:
        """Remove a network. No error when it is not there."""
        try:
            await call(lambda: self._client.api.remove_network(name))
        except NotFound:
            return

    def follow_logs(self, container_id: str, since_s: int, tail: str = "") -> LogStream:
        """Open a container's output from a second on, until it ends; with `tail` only what is there now, of the last
        so many lines or of "all". Blocking: for a thread of its own.

        Raises:
            Unavailable: the Engine does not answer, or has no such container.
        """
        asked: dict[str, Any] = {"stdout": 1, "stderr": 1, "timestamps": 1, "since": since_s}
        asked |= {"tail": tail} if tail else {"follow": 1}
        return self._stream(f"containers/{container_id}/logs", asked)

    def follow_ends(self, agent: Address, since_s: int) -> LogStream:
        """Open the Engine's word of this agent's containers that ended or changed in health, as lines of JSON.
        Blocking.

        Args:
            since_s: from which Unix second on, also what has been; 0: from now on.

        Raises:
            Unavailable: the Engine does not answer.
        """
        asked = {"type": ["container"], "label": [f"{LABEL_AGENT}={agent}"]}
        asked["event"] = ["die", "health_status"]
        since = {"since": since_s} if since_s else {}
        return self._stream("events", {"filters": json.dumps(asked)} | since)

    def _stream(self, path: str, asked: Mapping[str, Any]) -> LogStream:
        api = self._client.api
        url = f"{api.base_url}/v{api.api_version}/{path}"
        try:
            response = api.get(url, params=asked, stream=True, timeout=(ANSWER_SECONDS, None))
            response.raise_for_status()
        except requests.RequestException as error:
            raise Unavailable(f"The Docker Engine does not tell: {error}.") from None
        return LogStream(response)

    def close(self) -> None:
        """Close the connections. Containers are left as they are."""
        self._client.close()
