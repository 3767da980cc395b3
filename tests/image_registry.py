"""A registry of images: Debian's `docker-registry`, on loopback, with or without a log-in."""

from __future__ import annotations

import http.client
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fixtures_chain import free_port

ROOT = Path(__file__).resolve().parents[1]
USERNAME, PASSWORD = "somebody", "secret"
HASH = "$2b$04$OSvQ47cnMUmctb8v49b3Ve4.VIP05nIWPQeged.ihrdHaQ//qXwmO"  # of the password, by bcrypt
READY_S = 20


def program() -> str:
    """Where it is; "" when it is not there."""
    own = ROOT / "build/registry/usr/bin/docker-registry"
    return shutil.which("docker-registry") or (str(own) if own.exists() else "")


@contextmanager
def running_registry(folder: Path, log_in: bool) -> Iterator[str]:
    """Its host and port."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "htpasswd").write_text(f"{USERNAME}:{HASH}\n")
    access = f"auth: {{htpasswd: {{realm: here, path: {folder}/htpasswd}}}}\n" if log_in else ""
    (folder / "config.yml").write_text(
        "version: 0.1\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n"
        f"http: {{addr: 127.0.0.1:{port}}}\n" + access
    )
    argv = [program(), "serve", str(folder / "config.yml")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log)
    try:
        _until_it_answers(port)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _until_it_answers(port: int) -> None:
    until = time.monotonic() + READY_S
    while True:
        try:
            asking = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            asking.request("GET", "/v2/")
            asking.getresponse()
            return
        except OSError:
            if time.monotonic() > until:
                raise
        time.sleep(0.05)
