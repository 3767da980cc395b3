"""A real Kubo node for tests, off line, in a process of its own that can always be killed."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

READY_S = 60
ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def running_kubo(folder: Path) -> Iterator[str]:
    """A node whose repo is in `folder`, until the context ends.

    Yields:
        the multiaddr of its RPC.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    with (folder / "kubo.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.kubo_front", str(folder / "repo"), str(port)],
            cwd=folder,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
            stdin=subprocess.PIPE,  # it ends when its standard input does
            stdout=log,
            stderr=log,
        )
    try:
        _wait(process, port, folder / "kubo.log")
        yield f"/ip4/127.0.0.1/tcp/{port}"
    finally:
        process.kill()
        process.communicate()


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    ask = urllib.request.Request(f"http://127.0.0.1:{port}/api/v0/version", method="POST")
    until = time.monotonic() + READY_S
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(ask, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise AssertionError(f"Kubo did not start: {log.read_text(errors='replace')[-2000:]}")
