"""Readers of a log in processes of their own, and the same output read with the docker command."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
import httpx
import psutil
from eth_account import Account

from agent.engine.state import unix_ms_of
from chain.job import Address, JobId
from chain.signin import Place
from cli.signin import Credentials
from tests.e2e.market import Consumer, TestMarket

PIECE = 2**18  # bytes that are read at once
EVENT = re.compile(rb"id: (\d+)-(\d+)\nevent: log\ndata: (.*)\n")


def read_log(url: str, token: str, path: str, place: str) -> None:
    """Follow a log to its end, as lightly as the docker command follows one: what comes is written to a file, and when
    its last line came, beside it."""
    at, last = urlsplit(url), 0.0
    head = f"GET {path} HTTP/1.0\r\nHost: {at.netloc}\r\nAuthorization: Bearer {token}\r\n\r\n"
    with (
        Path(place).open("wb") as file,
        socket.create_connection((at.hostname or "", at.port or 80)) as stream,
    ):
        stream.sendall(head.encode())
        while data := stream.recv(PIECE):
            if b"event: log" in data or b"text" in data:
                last = time.time()
            file.write(data)
    with Path(place).open("rb") as file:
        status = file.readline()
    assert b" 200 " in status, status
    Path(place + ".at").write_text(f"{last}")


def texts_of(data: bytes) -> list[str]:
    """The lines in a stream of events.

    Raises:
        AssertionError: one is missing, doubled or out of order.
    """
    places, texts = [], []
    for found in EVENT.finditer(data):
        places.append((int(found[1]), int(found[2])))
        texts.append(str(json.loads(found[3])["text"]))
    assert places == [(1, seq) for seq in range(len(places))], "lines are missing or out of order"
    return texts


def first_ms(data: bytes) -> int:
    """When the first line was printed, by the Engine's clock, in Unix milliseconds."""
    found = EVENT.search(data)
    assert found is not None
    return int(json.loads(found[3])["at_ms"])


async def container_of(engine: docker.DockerClient, job_id: str) -> Any:
    """The container of a job's run, once there is one that was started."""
    while True:
        of_job = {"label": f"draas.job={job_id}"}
        found = engine.containers.list(all=True, filters=of_job, ignore_removed=True)
        if found and not found[0].attrs["State"]["StartedAt"].startswith("0001"):
            return found[0]
        await asyncio.sleep(0.05)


def with_docker(
    engine: docker.DockerClient, like: dict[str, Any], place: Path
) -> tuple[float, int]:
    """Start the same container by hand and read it with `docker logs -f`: seconds from its first line to the end of
    its output, and the lines."""
    host = dict(like["HostConfig"])
    host |= {"CgroupParent": "/draas/bench", "Mounts": [], "Binds": None}
    body = {
        "Image": like["Image"],
        "User": like["Config"]["User"],
        "Entrypoint": like["Config"]["Entrypoint"],
        "Cmd": like["Config"]["Cmd"],
        "Env": like["Config"]["Env"],
        "NetworkDisabled": True,
        "HostConfig": host,
    }
    made = engine.api.create_container_from_config(body, name=f"bench-logs-{time.time_ns()}")
    try:
        engine.api.start(made["Id"])
        with place.open("wb") as file:
            subprocess.run(["docker", "logs", "-f", made["Id"]], stdout=file, check=True)
        ended = time.time()
        told = engine.api.logs(made["Id"], timestamps=True, stream=True)
        began = unix_ms_of(next(iter(told)).split(b" ")[0].decode()) / 1000
    finally:
        engine.api.remove_container(made["Id"], force=True)
    return ended - began, place.read_bytes().count(b"\n")


def cpu_of(market: TestMarket, module: str) -> float:
    """Processor seconds of a part of the market."""
    total = 0.0
    for process in psutil.Process(market.process.pid).children(recursive=True):
        try:
            if process.cmdline()[1:3] == ["-m", module]:
                times = process.cpu_times()
                total += times.user + times.system
        except psutil.Error:
            continue  # it has ended
    return total


async def token_of(consumer: Consumer) -> str:
    """A session of this consumer."""
    market = consumer.market.get("/v1/market").json()
    place = Place(Address(market["scheduler"]), market["chain_id"])
    who = Credentials(Account.from_key(consumer.key), place, consumer.market.home)
    async with httpx.AsyncClient(base_url=consumer.market.url, trust_env=False) as http:
        return await who.renew(http, consumer.market.url)


def path_of(job_id: JobId | str) -> str:
    """Where a job's log is followed."""
    return f"/v1/deployments/{job_id}/logs?follow=true"
