"""The Docker Engine and the images that the tests run."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest

from agent.engine import Engine
from chain.job import Digest


@pytest.fixture(scope="session")
def busybox() -> Digest:
    """The digest of busybox:latest."""
    return _digest("busybox:latest")


@pytest.fixture(scope="session")
def python_image() -> Digest:
    """The digest of python:3.11-slim."""
    return _digest("python:3.11-slim")


@pytest.fixture
def engine() -> Iterator[Engine]:
    """The Docker Engine of this machine."""
    engine = Engine()
    yield engine
    engine.close()


def _digest(name: str) -> Digest:
    client = docker.from_env()
    try:
        return Digest(str(client.images.get(name).id))
    finally:
        client.close()
