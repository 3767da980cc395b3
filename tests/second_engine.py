"""A Docker Engine of a test's own, on a small disk of its own, that may be killed and filled up."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import docker
import psutil

DISK_BYTES = 800 * 1024**2
READY_S = 60


class SecondEngine:
    """Runs as root, beside the machine's own Engine."""

    def __init__(self, folder: Path, settings: Mapping[str, object]) -> None:
        self._folder = folder
        (folder / "daemon.json").write_text(json.dumps(settings))
        self.disk = folder / "disk"
        self.address = f"unix://{folder / 'sock'}"
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self._bridge = f"dr{secrets.token_hex(4)}"
        subprocess.run(["ip", "link", "add", self._bridge, "type", "bridge"], check=True)
        address = f"10.214.{secrets.randbelow(256)}.1/24"
        subprocess.run(["ip", "addr", "add", address, "dev", self._bridge], check=True)

    def start(self) -> None:
        """Start it (again), and wait until it answers."""
        (self._folder / "pid").unlink(missing_ok=True)
        self._starts += 1  # one that was killed leaves sockets behind at which nobody answers
        arguments = [
            f"--data-root={self.disk}",
            f"--exec-root={self._folder / f'exec-{self._starts}'}",
            f"--pidfile={self._folder / 'pid'}",
            f"--host={self.address}",
            f"--config-file={self._folder / 'daemon.json'}",
            f"--bridge={self._bridge}",  # with none at all it would remove the machine's own
            "--iptables=false",
        ]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(["dockerd", *arguments], stdout=log, stderr=log)
        until = time.monotonic() + READY_S
        while time.monotonic() < until:
            try:
                self.client().close()
                return
            except docker.errors.DockerException:
                time.sleep(0.1)
        raise AssertionError((self._folder / "log").read_text()[-2000:])

    def client(self) -> docker.DockerClient:
        """A client that is known to work."""
        client = docker.DockerClient(base_url=self.address)
        client.ping()
        return client

    def end(self, how: signal.Signals) -> None:
        """End the Engine itself."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)

    def clear_up(self) -> None:
        """End what a killed Engine left running, and give the disk back."""
        self.end(signal.SIGTERM)
        clear_folder(self._folder)
        subprocess.run(["ip", "link", "del", self._bridge], check=True)

    def have(self, name: str) -> None:
        """Give it an image of the machine's own Engine."""
        mine = self.client()
        try:
            give(name, mine)
        finally:
            mine.close()


def give(name: str, *engines: docker.DockerClient) -> None:
    """Give Engines an image of the machine's own."""
    own = docker.DockerClient(base_url="unix:///var/run/docker.sock")
    try:
        archive = b"".join(own.images.get(name).save(named=True))
    finally:
        own.close()
    for engine in engines:
        engine.images.load(archive)


def clear_folder(folder: Path) -> None:
    """End what an Engine has left running, and give its mounts and its folder back."""
    left = [
        process
        for process in psutil.process_iter(["cmdline"])
        if f"{folder}/" in " ".join(process.info["cmdline"] or ())
    ]
    for process in left:
        process.kill()
    psutil.wait_procs(left, 10)
    for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
        place = line.split()[1]
        if place.startswith(f"{folder}/"):
            subprocess.run(["umount", "--lazy", place], check=False)
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def second_engine(settings: Mapping[str, object] | None = None) -> Iterator[SecondEngine]:
    """Started, with a disk of `DISK_BYTES`; `settings` are its daemon.json."""
    folder = Path(tempfile.mkdtemp(prefix="engine-"))
    image, disk = folder / "disk.ext4", folder / "disk"
    image.touch()
    os.truncate(image, DISK_BYTES)
    disk.mkdir()
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, disk], check=True)
    engine = SecondEngine(folder, settings or {})
    try:
        engine.start()
        yield engine
    finally:
        engine.clear_up()
