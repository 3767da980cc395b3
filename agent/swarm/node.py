"""What runs on every node of the fleet, as a global Swarm service: the agent's hand there.

It lets whoever holds the fleet's key speak to the node's own Engine, reads the counters of the runs' containers ten
times a second, and ends containers whose lease has run out, also while the agent is silent.

Usage: node.py PORT AGENT; runs of another agent are not its business. The standard library alone: these files are
handed to a plain Python image.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from agent.swarm.tally import Tally, mounts_at

SOCKET = "/var/run/docker.sock"
KEY = "/run/secrets/draas-node"
GROUPS, STATE = Path("/host/cgroup"), Path("/state/leases.json")
LABEL_RUN, LABEL_AGENT = "draas.run", "draas.agent"
TICK_S, LEASE_S, AGAIN_S = 0.1, 0.3, 1.0
BODY_BYTES, CHUNK = 64 * 1024, 256 * 1024


class Node:
    """The meter, the leases, and the door.

    Args:
        agent: whose containers these are.
    """

    def __init__(self, tally: Tally, agent: str) -> None:
        self._tally = tally
        self._ours = {"label": [LABEL_RUN, f"{LABEL_AGENT}={agent}"]}
        self._live = asyncio.Event()

    # ---- the Engine's word ------------------------------------------------------------------

    async def listen(self) -> None:
        """Follow the Engine's events for ever; what ran before is looked up each time they begin."""
        while True:
            with contextlib.suppress(OSError, ValueError, asyncio.IncompleteReadError):
                reader, writer = await _ask(
                    "GET", f"/events?filters={_query(type=['container'], **self._ours)}"
                )
                await self._look_up()
                while line := await reader.readline():
                    await self._take(json.loads(line))
                writer.close()
            await asyncio.sleep(AGAIN_S)

    async def _look_up(self) -> None:
        reader, writer = await _ask("GET", f"/containers/json?all=1&filters={_query(**self._ours)}")
        found = json.loads(await reader.read())
        writer.close()
        for one in found:
            container, run = str(one["Id"]), str(one["Labels"][LABEL_RUN])
            self._tally.made(container, run)
            if one["State"] in ("running", "paused"):
                await self._judge(container, self._tally.began(container, run, found=True))
            elif one["State"] != "created":
                self._tally.ended(container)
        self._live.set()

    async def _take(self, event: dict[str, Any]) -> None:
        container, run = str(event["id"]), str(event["Actor"]["Attributes"].get(LABEL_RUN))
        what = event["Action"]
        if what == "create":
            self._tally.made(container, run)
        elif what == "start":
            await self._judge(container, self._tally.began(container, run))
        elif what in ("die", "destroy"):
            self._tally.ended(container)
        self._live.set()

    async def _judge(self, container: str, fault: str) -> None:
        if fault:
            self._tally.killed(container, fault)
            await _kill(container)

    # ---- by the clock -----------------------------------------------------------------------

    async def meter(self) -> None:
        """Read the counters while there are any."""
        while True:
            await self._live.wait()
            if not self._tally.tick():
                self._live.clear()
            await asyncio.sleep(TICK_S)

    async def watch_leases(self) -> None:
        """End what has outlived its lease."""
        while True:
            for container in self._tally.overdue():
                self._tally.killed(container, "its lease ran out")
                await _kill(container)
            await asyncio.sleep(LEASE_S)

    # ---- the door ---------------------------------------------------------------------------

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of somebody who holds the key: a question to us, or a way to the Engine."""
        with contextlib.suppress(OSError, ValueError, KeyError, asyncio.IncompleteReadError):
            first = await reader.readline()
            if first.startswith(b"POST /draas/"):
                await self._answer(first.split()[1].decode(), reader, writer)
            elif first:
                await _pass_on(first, reader, writer)
        writer.close()

    async def _answer(
        self, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        length = 0
        while (line := await reader.readline()).strip():
            name, _, value = line.decode("latin-1").partition(":")
            length = int(value) if name.lower() == "content-length" else length
        asked = json.loads(await reader.readexactly(min(length, BODY_BYTES)))
        body = json.dumps(self._do(path, asked)).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close"
        writer.write(head.encode() + b"\r\n\r\n" + body)
        await writer.drain()

    def _do(self, path: str, asked: dict[str, Any]) -> dict[str, Any]:
        run = str(asked["run"])
        if path == "/draas/lease":
            return {"done": self._tally.lease(run, float(asked["seconds"]), bool(asked["fresh"]))}
        if path == "/draas/drop":
            self._tally.drop(run)
            return {"done": True}
        return self._tally.usage(run)


def _query(**filters: list[str]) -> str:
    return quote(json.dumps(filters))


async def _ask(method: str, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A question to the Engine; the answer's body follows. HTTP/1.0, so that it comes as it is.

    Raises:
        OSError: it refuses, or does not answer.
    """
    reader, writer = await asyncio.open_unix_connection(SOCKET, limit=1024 * 1024)
    writer.write(f"{method} {path} HTTP/1.0\r\nHost: engine\r\nContent-Length: 0\r\n\r\n".encode())
    status = await reader.readline()
    while (await reader.readline()).strip():
        continue
    words = status.split()
    if len(words) < 2 or words[1][:1] != b"2":
        writer.close()
        raise OSError(status.decode("latin-1") or "no answer")
    return reader, writer


async def _kill(container: str) -> None:
    """By its id; one that has ended is no error, and one that lives still is overdue at the next look."""
    with contextlib.suppress(OSError):
        _, writer = await _ask("POST", f"/containers/{container}/kill")
        writer.close()


async def _pass_on(
    first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Bytes both ways between the agent and the Engine, until either has enough."""
    engine, to_engine = await asyncio.open_unix_connection(SOCKET)
    to_engine.write(first)
    ways = [
        asyncio.create_task(_pump(reader, to_engine)),
        asyncio.create_task(_pump(engine, writer)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        to_engine.close()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(CHUNK):
        target.write(data)
        await target.drain()


async def main(port: int, agent: str) -> None:
    """Serve for ever."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(KEY)
    context.load_verify_locations(KEY)  # only who has the same key gets in
    context.verify_mode = ssl.CERT_REQUIRED
    node = Node(Tally(mounts_at(GROUPS), STATE), agent)
    server = await asyncio.start_server(node.serve, port=port, ssl=context, limit=CHUNK)
    async with server:
        await asyncio.gather(
            node.listen(), node.meter(), node.watch_leases(), server.serve_forever()
        )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
