"""A run's own network, for jobs that reserve egress: one bridge with one container on it, fenced by the firewall.

From there the internet is reached, but no service of this machine, no other container, no private network and no
cloud's metadata service. Into it come replies alone, and from this machine itself the agent's own connections to the
ports of a service: no port is published. What the container sends is counted at the bridge, which outlives it, and
held to the reserved rate by a token bucket on the bridge's incoming side.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from pathlib import Path

from agent.engine.engine import Engine
from agent.engine.isolation import RunKey, labels
from chain.errors import Unavailable

FORBIDDEN = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16",
    "127.0.0.0/8", "0.0.0.0/8", "192.0.0.0/24", "198.18.0.0/15", "224.0.0.0/3",
)  # fmt: skip


def can_fence() -> bool:
    """Whether this process can set up the firewall; without it no job with egress is taken."""
    return os.geteuid() == 0 and all(shutil.which(tool) for tool in ("iptables", "tc"))


def bridge_of(key: RunKey) -> str:
    """The network interface of a run's bridge: at most 15 characters."""
    return "dr" + hashlib.sha256(f"{key.agent}/{key.text}".encode()).hexdigest()[:12]


def network_of(key: RunKey) -> str:
    """The name of a run's network."""
    return key.container_name


def fence_rules(bridge: str) -> list[list[str]]:
    """The firewall's rules for a bridge, each without its verb. Replies pass: of the world to the container, and of
    the container to this machine, when it was asked."""
    replies = ["-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED"]
    answers = ["-m", "conntrack", "!", "--ctstate", "ESTABLISHED"]
    rules = [["INPUT", "-i", bridge, *answers, "-j", "DROP"]]
    rules += [["DOCKER-USER", "-i", bridge, "-d", to, "-j", "DROP"] for to in FORBIDDEN]
    rules += [["DOCKER-USER", "-o", bridge, "-m", "conntrack", "!", *replies[2:], "-j", "DROP"]]
    return rules


async def open_network(engine: Engine, key: RunKey, egress_kib_s: int) -> str:
    """Make the run's network; safe to repeat.

    Returns:
        the network's name.

    Raises:
        Unavailable: the Engine or the firewall refuses.
    """
    bridge, name = bridge_of(key), network_of(key)
    await engine.make_network(name, bridge, labels(key))
    await asyncio.to_thread(_without_ipv6, bridge)
    for rule in fence_rules(bridge):
        if not await _done("iptables", "-w", "-C", *rule):
            await _do("iptables", "-w", "-I", *rule)
    await _done("tc", "qdisc", "add", "dev", bridge, "handle", "ffff:", "ingress")
    limit = ["rate", f"{egress_kib_s * 8192}bit", "burst", f"{max(64, egress_kib_s // 4)}k", "drop"]
    matching = ["protocol", "all", "prio", "1", "handle", "1", "matchall"]
    await _done("tc", "filter", "replace", "dev", bridge, "parent", "ffff:", *matching,
                "action", "police", *limit)  # fmt: skip
    return name


async def close_network(engine: Engine, key: RunKey) -> None:
    """Remove the network and its rules. No error when they are not there."""
    for rule in fence_rules(bridge_of(key)):
        while await _done("iptables", "-w", "-D", *rule):
            continue
    await engine.remove_network(network_of(key))


def sent_bytes(key: RunKey) -> int | None:
    """What came into the bridge from the run's container; None when there is no bridge."""
    return _number(key, "statistics/rx_bytes")


def bridge_index(key: RunKey) -> int:
    """The kernel's number of the run's bridge; 0 when there is none. One that is made again has another, and counts
    from nothing."""
    return _number(key, "ifindex") or 0


def _number(key: RunKey, name: str) -> int | None:
    try:
        return int((Path("/sys/class/net") / bridge_of(key) / name).read_text())
    except OSError:
        return None


def _without_ipv6(bridge: str) -> None:
    """The rules are for IPv4, so there is to be nothing else; the Engine gives the container none either."""
    try:
        Path("/proc/sys/net/ipv6/conf", bridge, "disable_ipv6").write_text("1")
    except OSError:
        return  # this kernel has none


async def _done(*command: str) -> bool:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    return await process.wait() == 0


async def _do(*command: str) -> None:
    if not await _done(*command):
        raise Unavailable(
            f"The firewall refused: {' '.join(command)}.", "Run it by hand to see why."
        )
