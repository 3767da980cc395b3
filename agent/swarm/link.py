"""The agent's connection to one node: its Engine, and our program there. TLS, with one key that both sides hold."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import DockerException
from docker.tls import TLSConfig
from requests.adapters import HTTPAdapter

from agent.engine.engine import ANSWER_SECONDS, Engine
from agent.swarm.certificate import NAME
from chain.errors import Unavailable

CONNECT_S, NODE_S = 3.0, 10.0


class _Known(HTTPAdapter):
    """Takes whoever has our certificate for the node, whatever its address."""

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more, assert_hostname=NAME, server_hostname=NAME)


class NodeLink:
    """One node, reached at its address; connections are made at the first need."""

    def __init__(self, address: str, port: int, pem: Path) -> None:
        self.address = address
        self.url = f"https://{address}:{port}"
        self._pem = str(pem)
        self._engine: Engine | None = None
        self._opening = asyncio.Lock()
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify, self._session.cert = self._pem, self._pem
        self._session.mount("https://", _Known())

    async def engine(self) -> Engine:
        """The node's own Engine.

        Raises:
            Unavailable: the node does not answer.
        """
        async with self._opening:
            if self._engine is None:
                self._engine = await asyncio.to_thread(self._open)
            return self._engine

    def _open(self) -> Engine:
        tls = TLSConfig(client_cert=(self._pem, self._pem), ca_cert=self._pem, verify=True)
        try:
            self._session.post(f"{self.url}/draas/usage", json={"run": ""}, timeout=CONNECT_S)
            client = docker.DockerClient(
                base_url=self.url, tls=tls, version="1.41", timeout=ANSWER_SECONDS
            )
            client.api.trust_env = False  # or a bundle of the environment takes the place of ours
            client.api.mount("https://", _Known())
            client.ping()
        except (DockerException, requests.RequestException, OSError) as error:
            raise self._silent(error) from None
        return Engine(client)

    async def ask(self, what: str, run: str, **more: Any) -> dict[str, Any]:
        """A question to our program: `usage`, `lease` or `drop`.

        Raises:
            Unavailable: the node does not answer.
        """
        body = {"run": run, **more}
        return await asyncio.to_thread(self._ask, what, body)

    def _ask(self, what: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = self._session.post(
                f"{self.url}/draas/{what}", json=body, timeout=(CONNECT_S, NODE_S)
            )
            answer.raise_for_status()
            found: dict[str, Any] = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise self._silent(error) from None
        return found

    def _silent(self, error: Exception) -> Unavailable:
        return Unavailable(
            f"The node at {self.url} does not answer: {str(error)[:200]}.",
            "See that it is up, and that its port is reached from here.",
        )

    def close(self) -> None:
        """Close the connections; what runs there is left as it is."""
        self._session.close()
        if self._engine is not None:
            self._engine.close()
