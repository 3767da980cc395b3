"""Where programs can connect to: nowhere without reserved egress; with it to the internet, and to nothing of this
machine, its cloud, its network or its other jobs."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import docker
import psutil
import pytest

from agent.container.network import can_fence
from agent.container.runtime import RuntimeName
from chain.job import Digest
from tests.integration.agent.conftest import Bench
from tests.integration.agent.fenced import attempt, hostile
from tests.integration.agent.world import FORBIDDEN, PUBLIC, Canary, a_canary, a_world

METADATA = ("169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254")
UNREACHED = {
    "ECONNREFUSED",
    "ENETUNREACH",
    "EHOSTUNREACH",
    "ETIMEDOUT",
    "EADDRNOTAVAIL",
    "no such name",
}
needs_firewall = pytest.mark.skipif(not can_fence(), reason="needs root, iptables and tc")


@pytest.fixture
def canary() -> Iterator[Canary]:
    with a_canary() as one:
        yield one


def own_addresses() -> list[str]:
    """Of this machine, on every interface."""
    found = [one for many in psutil.net_if_addrs().values() for one in many]
    return sorted({one.address for one in found if one.family is socket.AF_INET})


def gateway_and_address(container: str) -> tuple[str, str]:
    """Of a container's own network."""
    client = docker.from_env()
    try:
        (network,) = client.api.inspect_container(container)["NetworkSettings"]["Networks"].values()
    finally:
        client.close()
    return network["Gateway"], network["IPAddress"]


async def test_without_egress_neither_the_hosts_loopback_nor_metadata_nor_the_internet_is_reached(
    bench: Bench, runtime: RuntimeName, python_image: Digest, canary: Canary
) -> None:
    hosts = [f"{address}|{canary.port}" for address in own_addresses()[:20]]
    clouds = [f"{address}|80" for address in (*METADATA, PUBLIC)]
    job = hostile("escapes", "reach", *hosts, *clouds)
    tried = await attempt(bench, runtime, python_image, job)
    told = tried.told
    told.pop("ipv6")
    assert len(told) == len(hosts) + len(clouds)
    assert set(told.values()) <= UNREACHED, told
    assert canary.callers == []


@needs_firewall
async def test_with_egress_the_internet_is_reached_and_no_private_range_nor_the_metadata_address(
    bench: Bench, python_image: Digest
) -> None:
    with a_world() as world:
        bench.dns = (PUBLIC,)
        places = [f"{address}|80" for address in (PUBLIC, "a.name.example", *FORBIDDEN, *METADATA)]
        job = hostile("escapes", "reach", *places, egress="1M")
        told = (await attempt(bench, "runc", python_image, job)).told
        assert told.pop(f"{PUBLIC}|80") == told.pop("a.name.example|80") == f"connected{PUBLIC}"
        assert told.pop("ipv6") == ""
        assert len(told) == len(FORBIDDEN) + len(METADATA)
        assert set(told.values()) <= UNREACHED, told
        world.terminate()
        assert world.stdout is not None
        assert world.stdout.read().split() == [PUBLIC] * 2


@needs_firewall
async def test_with_egress_no_service_of_this_machine_and_no_other_deployment_is_reached(
    bench: Bench, python_image: Digest, canary: Canary
) -> None:
    code = (
        "import socket; one = socket.create_server(('0.0.0.0', 8000))\n"
        "me = socket.create_connection((socket.gethostbyname(socket.gethostname()), 8000))\n"
        "while True: print(one.accept()[1][0], flush=True)"
    )
    other = hostile("bombs", egress="1M").model_copy(update={"command": ["python3", "-c", code]})
    neighbour, container_id = await bench.start(other, python_image)
    gateway, address = gateway_and_address(container_id)
    while neighbour.spool.length == 0:  # it does listen, and reaches itself
        await asyncio.sleep(0.05)
    hosts = [f"{one}|{canary.port}" for one in {*own_addresses()[:20], gateway}]
    others = [f"{address}|8000", "172.17.0.1|2375", "172.17.0.1|2376"]
    job = hostile("escapes", "reach", *hosts, *others, egress="1M")
    told = (await attempt(bench, "runc", python_image, job)).told
    assert told.pop("ipv6") == ""
    assert len(told) == len(hosts) + len(others)
    assert set(told.values()) <= UNREACHED, told
    assert canary.callers == []
    await neighbour.stop(container_id, 0)
    await bench.end(neighbour, container_id)
    assert [line.text for line in neighbour.spool.read(-1, 100)] == [address]
