"""Two Docker Engines of the tests' own that are one Swarm: a manager and a worker.

Each has its own network namespace, so that their addresses differ, and its own /run, so that /var/run/docker.sock is
its own to whoever runs on it. They are joined by one cable, and each to us by another.
"""

from __future__ import annotations

import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError

from tests.e2e.market import end_with_us
from tests.second_engine import clear_folder, give

IMAGES = ("busybox:latest", "python:3.11-slim")
READY_S = 60


class SwarmEngine:
    """One Engine of the Swarm; the tests run as root."""

    def __init__(self, folder: Path, name: str, number: int) -> None:
        self.folder = folder / name
        self.name = f"{folder.name}{name}"
        self.address = f"10.213.{number}.{1 if name == 'a' else 2}"
        self.group = f"/{self.name}"
        self._process: subprocess.Popen[bytes] | None = None
        (self.folder / "run").mkdir(parents=True)

    @property
    def url(self) -> str:
        """Where it is reached from this machine."""
        return f"unix://{self.folder}/run/docker.sock"

    @property
    def node_id(self) -> str:
        """Its id in the Swarm."""
        client = self.client()
        try:
            return str(client.info()["Swarm"]["NodeID"])
        finally:
            client.close()

    def begin(self) -> None:
        """Start it, without waiting for it."""
        dockerd = (
            f"mount --make-rprivate / && mount --bind {self.folder}/run /run && exec dockerd"
            f" --data-root={self.folder}/root --exec-root=/run/docker --pidfile=/run/docker.pid"
            f" --host=unix:///run/docker.sock --cgroup-parent={self.group}"
        )
        inside = ["nsenter", f"--net=/run/netns/{self.name}", "unshare", "--mount", "sh", "-c"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*inside, dockerd], stdout=log, stderr=log, preexec_fn=end_with_us
            )

    def client(self) -> docker.DockerClient:
        """A client, once it answers."""
        until = time.monotonic() + READY_S
        while True:
            try:
                client = docker.DockerClient(base_url=self.url)
                client.ping()
                return client
            except docker.errors.DockerException:
                if time.monotonic() > until:
                    raise AssertionError((self.folder / "log").read_text()[-2000:]) from None
                time.sleep(0.1)

    def cable(self, up: bool) -> None:
        """Plug its cables in, or pull them."""
        for device in ("out", "side"):
            state = "up" if up else "down"
            _ip("-n", self.name, "link", "set", device, state)

    def end(self) -> None:
        """Let it end, with all that runs on it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self) -> None:
        """Until it has."""
        if self._process is not None:
            self._process.wait(60)


@contextmanager
def a_swarm() -> Iterator[tuple[SwarmEngine, SwarmEngine]]:
    """The manager and the worker, with the images of the tests."""
    folder = Path(tempfile.mkdtemp(prefix="fleet", dir="/var/tmp"))
    number = secrets.randbelow(120) * 2
    manager, worker = (SwarmEngine(folder, name, number) for name in "ab")
    try:
        _lay_cables(manager, worker, number)
        for engine in (manager, worker):
            engine.begin()
        _load(manager, worker)
        _join(manager, worker)
        yield manager, worker
    finally:
        _clear_up(folder, manager, worker)


def _lay_cables(manager: SwarmEngine, worker: SwarmEngine, number: int) -> None:
    for engine in (manager, worker):
        _ip("netns", "add", engine.name)
    _ip("-n", manager.name, "link", "add", "side", "type", "veth", "peer", "name", "side",
        "netns", worker.name)  # fmt: skip
    for place, engine in enumerate((manager, worker)):
        here, there = (f"10.213.{number + 1}.{4 * place + i}" for i in (1, 2))
        device = engine.name[-14:]
        _ip("link", "add", device, "type", "veth", "peer", "name", "out", "netns", engine.name)
        _ip("addr", "add", f"{here}/30", "dev", device)
        _ip("link", "set", device, "up")
        _ip("-n", engine.name, "addr", "add", f"{there}/30", "dev", "out")
        _ip("-n", engine.name, "addr", "add", f"{engine.address}/24", "dev", "side")
        for inner in ("lo", "out", "side"):
            _ip("-n", engine.name, "link", "set", inner, "up")
        _ip("route", "add", engine.address, "via", there, "dev", device)


def _load(*engines: SwarmEngine) -> None:
    clients = [engine.client() for engine in engines]
    try:
        for name in IMAGES:
            give(name, *clients)
    finally:
        for client in clients:
            client.close()


def offer(manager: SwarmEngine, node: str, labels: Mapping[str, str], how: str = "active") -> None:
    """Label a node, and open or close it to jobs."""
    client = manager.client()
    try:
        for tries_left in range(9, -1, -1):
            found: Any = client.nodes.get(node)
            spec = found.attrs["Spec"] | {"Labels": dict(labels), "Availability": how}
            try:
                found.update(spec)
                return
            except APIError:  # the node itself was heard of meanwhile, which changes its version
                if not tries_left:
                    raise
                time.sleep(0.1)
    finally:
        client.close()


def _join(manager: SwarmEngine, worker: SwarmEngine) -> None:
    lead, second = manager.client(), worker.client()
    try:
        lead.swarm.init(
            advertise_addr=manager.address,
            listen_addr=f"{manager.address}:2377",
            dispatcher_heartbeat_period=10**9,  # nanoseconds; a node is down after three
        )
        token = lead.swarm.attrs["JoinTokens"]["Worker"]
        second.swarm.join(
            remote_addrs=[f"{manager.address}:2377"],
            join_token=token,
            advertise_addr=worker.address,
            listen_addr=f"{worker.address}:2377",
        )
    finally:
        lead.close()
        second.close()


def _clear_up(folder: Path, *engines: SwarmEngine) -> None:
    for engine in engines:
        engine.end()
    for engine in engines:
        engine.wait()
    clear_folder(folder)
    for engine in engines:
        _ip("netns", "del", engine.name, check=False)
        _ip("link", "del", engine.name[-14:], check=False)
        for group in Path("/sys/fs/cgroup").glob(f"*{engine.group}"):
            group.rmdir()


def _ip(*arguments: str, check: bool = True) -> None:
    subprocess.run(["ip", *arguments], check=check, capture_output=True)
