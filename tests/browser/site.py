"""The front end, built once, and served for one market."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.e2e.market import TestMarket, clean_env, end_with_us
from tests.fixtures_chain import free_port

ROOT = Path(__file__).resolve().parents[2]
FRONTEND = ROOT / "frontend"
NEXT = FRONTEND / ".next"
LOG = ROOT / "build" / "frontend.log"
QUIET = {"NEXT_TELEMETRY_DISABLED": "1"}


def build_site() -> Path:
    """The folder to serve, built anew where a source has changed."""
    server, stamp = NEXT / "standalone", NEXT / "tested"
    want = _sources()
    if stamp.exists() and stamp.read_text() == want:
        return server
    if not (FRONTEND / "node_modules").exists():
        _run("npm", "ci")
    _run("npx", "next", "build")
    shutil.copytree(NEXT / "static", server / ".next" / "static", dirs_exist_ok=True)
    stamp.write_text(want)
    return server


def _sources() -> str:
    skipped = {"node_modules", ".next"}
    told = hashlib.sha256()
    for path in sorted(FRONTEND.rglob("*")):
        parts = path.relative_to(FRONTEND).parts
        if path.is_file() and not skipped & set(parts) and parts != ("next-env.d.ts",):
            told.update(f"{parts}".encode() + path.read_bytes())
    return told.hexdigest()


def _run(*argv: str) -> None:
    with LOG.open("a") as log:
        done = subprocess.run(
            argv, cwd=FRONTEND, env=os.environ | QUIET, stdout=log, stderr=log, check=False
        )
    if done.returncode:
        tail = LOG.read_text(errors="replace")[-3000:]
        raise AssertionError(f"{' '.join(argv)} failed:\n{tail}")


@contextmanager
def served(folder: Path, market: TestMarket, port: int) -> Iterator[str]:
    """The address of the pages. Page and scheduler are one site, since the session is a cookie of it."""
    env = clean_env(
        NEXT_PUBLIC_CONTRACT_ADDRESS=str(market.facts["escrow"]),
        NEXT_PUBLIC_NETWORK_ID=str(market.w3.eth.chain_id),
        NEXT_PUBLIC_RPC_URL=str(market.facts["rpc_url"]),
        SCHEDULER_URL=market.url,
        HOSTNAME="127.0.0.1",
        PORT=str(port),
    )
    with LOG.open("a") as log:
        process = subprocess.Popen(
            ["node", "server.js"],
            cwd=folder,
            env=env,
            stdout=log,
            stderr=log,
            preexec_fn=end_with_us,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + 60
    while time.monotonic() < ends and process.poll() is None:
        try:
            if httpx.get(url, timeout=5, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the pages are not served:\n{LOG.read_text(errors='replace')[-3000:]}")


def some_port() -> int:
    """To be told to the scheduler before the pages are there."""
    return free_port()
