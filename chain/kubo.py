"""`python -m chain.kubo`: the embedded content store as a process.

Its RPC is for this machine; its gateway, on a port of its own, may be for others.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from chain.content.blocks import Blocks
from chain.content.gateway import create_gateway
from chain.content.rpc import create_rpc
from chain.content.store import Store

_GRACE_S = 3
_COLLECT_S = 60
_YOUNG_S = 3600  # within which what came is pinned, or was not meant to stay


def create_app(root: Path, peers: Sequence[str] = ()) -> FastAPI:
    """The RPC of a store in a folder."""
    return create_rpc(Store(Blocks(root), tuple(peers)))


def main(argv: Sequence[str], environ: Mapping[str, str]) -> None:
    """Serve until a signal comes, or until standard input ends where `--while-stdin` is given."""
    options = _options(argv, environ)
    if options.while_stdin:
        threading.Thread(target=_leave_with_parent, daemon=True).start()
    rpc = _listen(options.host, options.port)
    sockets, gateway_port = [rpc], None
    if options.gateway_port is not None:
        sockets.append(_listen(options.gateway_host, options.gateway_port))
        gateway_port = sockets[1].getsockname()[1]
    store = Store(Blocks(options.data), tuple(options.peer))
    most = options.max_mib * 1024**2
    threading.Thread(target=_collect, args=(store.blocks, most), daemon=True).start()
    app = _by_port(create_rpc(store), create_gateway(store), gateway_port)
    config = uvicorn.Config(
        app,
        log_level="warning",
        lifespan="off",
        timeout_graceful_shutdown=_GRACE_S,
        access_log=False,
    )
    server = uvicorn.Server(config)

    def leave(number: int, frame: FrameType | None) -> None:
        server.should_exit = True

    # Ours until the server has its own, and again for the signal that it passes on when it has ended.
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    family = "ip6" if rpc.family == socket.AF_INET6 else "ip4"
    print(f"listening /{family}/{options.host}/tcp/{rpc.getsockname()[1]}")  # noqa: T201
    if gateway_port is not None:
        print(f"gateway http://{options.gateway_host}:{gateway_port}")  # noqa: T201
    print("ready", flush=True)  # noqa: T201
    server.run(sockets=sockets)


def _options(argv: Sequence[str], environ: Mapping[str, str]) -> argparse.Namespace:
    home = Path(environ.get("DRAAS_HOME", "~/.draas")).expanduser()
    gateway = environ.get("IPFS_GATEWAY_PORT")
    peers = [peer for peer in environ.get("IPFS_PEERS", "").split(",") if peer]
    reader = argparse.ArgumentParser("python -m chain.kubo", description="The content store.")
    reader.add_argument("--host", default=environ.get("IPFS_HOST", "127.0.0.1"))
    reader.add_argument("--port", type=int, default=int(environ.get("IPFS_PORT", "5001")))
    reader.add_argument("--data", type=Path, default=Path(environ.get("IPFS_DATA", home / "store")))
    reader.add_argument("--gateway-port", type=int, default=int(gateway) if gateway else None)
    reader.add_argument("--gateway-host", default=environ.get("IPFS_GATEWAY_HOST", "127.0.0.1"))
    reader.add_argument("--peer", action="append", default=peers, help="a gateway to ask")
    reader.add_argument(
        "--max-mib", type=int, default=int(environ.get("IPFS_MAX_MIB", "20480")),
        help="above which what no pin holds is removed",
    )  # fmt: skip
    reader.add_argument("--while-stdin", action="store_true", help="stop when standard input ends")
    return reader.parse_args(argv)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


def _by_port(rpc: ASGIApp, gateway: ASGIApp, gateway_port: int | None) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        port = (scope.get("server") or ("", None))[1]
        chosen = gateway if gateway_port is not None and port == gateway_port else rpc
        await chosen(scope, receive, send)

    return app


def _collect(blocks: Blocks, most: int) -> None:
    """Keep within the disk that is set aside, for ever."""
    while True:
        time.sleep(_COLLECT_S)
        try:
            blocks.collect(most, time.time() - _YOUNG_S)
        except OSError as error:
            print(f"the disk does not answer: {error}", file=sys.stderr)  # noqa: T201


def _leave_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(sys.argv[1:], os.environ)
