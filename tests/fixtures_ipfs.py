"""The embedded content store and a real Kubo node, each started once a run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kubo_node import running_kubo

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class ContentStore:
    """A running embedded store."""

    api: str
    gateway: str
    data: Path


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContentStore]:
    """The embedded store, with its gateway."""
    data = tmp_path_factory.mktemp("store") / "data"
    argv = ["--port=0", "--gateway-port=0", f"--data={data}", "--while-stdin"]
    process = subprocess.Popen(
        [sys.executable, "-m", "chain.kubo", *argv],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = dict(process.stdout.readline().strip().split(" ", 1) for _ in range(2))
    assert process.stdout.readline() == "ready\n"
    yield ContentStore(said["listening"], said["gateway"], data)
    process.communicate(timeout=20)  # closes its standard input, and so it ends
    assert process.returncode == 0


@pytest.fixture(scope="session")
def kubo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The RPC address of a real Kubo node that is off line."""
    with running_kubo(tmp_path_factory.mktemp("kubo")) as api:
        yield api


@pytest.fixture(params=["embedded store", "Kubo"])
def node(request: pytest.FixtureRequest) -> str:
    """The RPC address of either, one after the other."""
    if request.param == "Kubo":
        return str(request.getfixturevalue("kubo"))
    content_store: ContentStore = request.getfixturevalue("store")
    return content_store.api
