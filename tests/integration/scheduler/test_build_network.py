"""A build's network: none, or the places on the list through our own proxy, with a real index to install from."""

from __future__ import annotations

import asyncio
import os
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import docker
import pytest

from chain.manifest import Manifest
from scheduler.images.allow import read_place
from scheduler.images.build_log import BuildLog
from scheduler.images.bundle_image import prepare_dockerfile
from scheduler.images.image import build_image
from scheduler.images.limits import BuildLimits

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="a build's own network needs root")
MARK = f"test-network-{os.getpid()}"
WHEEL = "little-1.0-py3-none-any.whl"


class Handler(SimpleHTTPRequestHandler):
    """Files, and no word about them."""

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A package index (PEP 503) with one package; its port."""
    root = tmp_path_factory.mktemp("index")
    folder = root / "simple" / "little"
    folder.mkdir(parents=True)
    info = "little-1.0.dist-info"
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        wheel.writestr("little.py", "SAYS = 'from the index'\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: little\nVersion: 1.0\n")
        told = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr(f"{info}/WHEEL", told)
        names = ("little.py", f"{info}/METADATA", f"{info}/WHEEL", f"{info}/RECORD")
        wheel.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in names))
    (folder / "index.html").write_text(f'<a href="{WHEEL}">{WHEEL}</a>')
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(root)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    for image in client.images.list(filters={"label": f"draas.bundle={MARK}"}):
        client.images.remove(image.id, force=True)
    client.close()


async def built(folder: Path, limits: BuildLimits) -> BuildLog:
    prepare_dockerfile(folder, Manifest(), {})
    log = BuildLog(100_000)
    labels = {"draas.bundle": MARK, "draas.build": ""}
    step = "draas.consumer=0x0000000000000000000000000000000000000000"
    await build_image(folder, f"draas/bundle:{MARK}", labels, limits, log, step)
    return log


def python_folder(folder: Path, port: int) -> Path:
    """A folder whose Dockerfile installs from the index, as pip does with a proxy in its environment."""
    at = f"http://127.0.0.1:{port}/simple"
    install = f"python3 -m pip install --break-system-packages --retries 0 --index-url {at} little"
    folder.mkdir(exist_ok=True)
    (folder / "Dockerfile").write_text(
        f"FROM python:3.11-slim\nRUN echo {MARK}-{folder.name} && {install}\n"
        "RUN python3 -c 'import little; print(little.SAYS)'\n"
    )
    return folder


def asking(url: str) -> str:
    """A command that fetches with what the environment says of proxies."""
    return f"python3 -c \"import urllib.request as u; u.urlopen('{url}', timeout=3)\""


def dialling(host: str, port: int) -> str:
    """A command that connects by itself."""
    return f"python3 -c \"import socket; socket.create_connection(('{host}', {port}), 3)\""


async def test_a_build_installs_from_an_allowed_index_and_reaches_nothing_else(
    index: int, engine: docker.DockerClient, tmp_path: Path
) -> None:
    folder = python_folder(tmp_path / "allowed", index)
    with (folder / "Dockerfile").open("a") as file:
        file.write(
            f"RUN {asking(f'http://127.0.0.2:{index}/')} || echo refused-by-list\n"
            f"RUN {dialling('127.0.0.1', index)} || echo not-the-hosts-loopback\n"
            f"RUN {dialling('172.17.0.1', index)} || echo no-bridge\n"
            "RUN ls /sys/class/net\n"
        )
    log = await built(folder, BuildLimits(seconds=60, allow=(read_place(f"127.0.0.1:{index}"),)))
    for expected in ("from the index", "refused-by-list", "not-the-hosts-loopback", "no-bridge"):
        assert f"\n{expected}\n" in log.text, log.text
    assert f"network: Builds may not reach 127.0.0.2:{index}." in log.text
    assert "eth0" not in log.text
    history = str(engine.images.get(f"draas/bundle:{MARK}").history())
    assert "PROXY" not in history.upper()
    for _ in range(50):
        left = engine.containers.list(filters={"label": "draas.build=1"})
        if not [one for one in left if "sleep" in str(one.attrs["Config"]["Entrypoint"])]:
            break
        await asyncio.sleep(0.1)
    assert not [one for one in left if "sleep" in str(one.attrs["Config"]["Entrypoint"])]


async def test_a_name_that_points_inwards_opens_nothing(
    index: int, engine: docker.DockerClient, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(
        f"FROM python:3.11-slim\nRUN {asking(f'http://localhost:{index}/')} || echo {MARK}-refused\n"
    )
    log = await built(tmp_path, BuildLimits(seconds=60, allow=(read_place(f"localhost:{index}"),)))
    assert f"\n{MARK}-refused\n" in log.text
    assert "localhost is not at a public address" in log.text
    assert engine.ping()


async def test_without_a_list_there_is_no_network_at_all(
    index: int, engine: docker.DockerClient, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(
        f"FROM python:3.11-slim\nRUN {asking(f'http://127.0.0.1:{index}/')} || echo {MARK}-none\n"
    )
    log = await built(tmp_path, BuildLimits(seconds=60))
    assert f"\n{MARK}-none\n" in log.text
    assert engine.ping()
