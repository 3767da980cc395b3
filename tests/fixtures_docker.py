"""The Docker Engine and the images that the tests run."""

from __future__ import annotations

import docker
import pytest

from chain.job import Digest


@pytest.fixture(scope="session")
def busybox() -> Digest:
    """The digest of busybox:latest."""
    return _digest("busybox:latest")


@pytest.fixture(scope="session")
def python_image() -> Digest:
    """The digest of python:3.11-slim."""
    return _digest("python:3.11-slim")


def _digest(name: str) -> Digest:
    client = docker.from_env()
    try:
        return Digest(str(client.images.get(name).id))
    finally:
        client.close()
