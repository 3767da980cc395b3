"""The market's pages, as a part of `draas up`: the built front end, told where this market is.

Page and scheduler are reached under one host name: for a browser `localhost` and `127.0.0.1` are different sites, and a
session's cookie stays within its own.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from chain.compiler import PROJECT_ROOT
from chain.job import Address
from cli.parts import LOOPBACK, Part, free_ports, is_free

PAGES = "front end"  # the part's name
NAME = "localhost"  # by which page and scheduler are reached
PORT, PORTS = 3000, 100  # where it is looked for one that is free
START = PROJECT_ROOT / "frontend" / "scripts" / "start.mjs"
BUILT = PROJECT_ROOT / "frontend" / ".next" / "standalone" / "server.js"


def why_not() -> str:
    """Why the front end cannot be started, and what to do about it; "" when it can."""
    if not BUILT.is_file():
        return "The front end is not built. Run: scripts/setup.sh frontend"
    if shutil.which("node") is None:
        return "The front end needs Node 20 or newer. Run: scripts/setup.sh node"
    return ""


def frontend_port(asked: int | None) -> int:
    """Where it will listen: what was asked for (0: any), else 3000 or the next that is free."""
    if asked:
        return asked
    near = range(PORT, PORT + PORTS) if asked is None else range(0)
    return next((port for port in near if is_free(port)), 0) or free_ports()


def origins_of(port: int, environ: Mapping[str, str]) -> str:
    """Whose pages the scheduler takes: ours under both of their names, and what the environment adds."""
    own = [f"http://{name}:{port}" for name in (NAME, LOOPBACK)]
    return ",".join([*own, *filter(None, [environ.get("ALLOWED_ORIGINS", "")])])


def frontend_part(
    port: int, home: Path, escrow: Address, chain_id: int, rpc_url: str, scheduler_port: int
) -> Part:
    """The front end, at a port."""
    env = {
        "NODE_ENV": "production",
        "NEXT_TELEMETRY_DISABLED": "1",
        "HOSTNAME": LOOPBACK,
        "PORT": str(port),
        "NEXT_PUBLIC_CONTRACT_ADDRESS": escrow,
        "NEXT_PUBLIC_NETWORK_ID": str(chain_id),
        "NEXT_PUBLIC_RPC_URL": rpc_url,
        "SCHEDULER_URL": f"http://{NAME}:{scheduler_port}",
    }
    ready = f"http://{LOOPBACK}:{port}/"
    log = home / "logs" / "frontend.log"
    return Part(PAGES, ("node", str(START)), env, f"http://{NAME}:{port}", ready, log)
