"""What the agent is told by its environment; all faults are told at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import psutil
from pydantic import ValidationError

from agent.container.runtime import SETTINGS, RuntimeSetting
from agent.engine.pull import RegistryLogin
from agent.runs.gpus import GPUS_MOST
from chain.attributes import attributes_of
from chain.errors import InvalidInput
from chain.job import Rates, Resources
from chain.manifest import Manifest, ResourceSpec
from chain.measures import mib
from chain.prices import MOST_PRICE, NO_PRICE, PRICES, rates_of_prices
from chain.settings import EVERYWHERE, ChainSettings, Env, is_registry, url_at


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """How a Swarm is used.

    Args:
        image: a Python image, for our program on the nodes.
        port: of each node, where that program listens.
        most_cpu_millis, most_memory_mib: offered in all, whatever the nodes have; 0 for all that they have.
    """

    image: str
    port: int
    most_cpu_millis: int = 0
    most_memory_mib: int = 0


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """Everything that can be set.

    Args:
        scheduler_urls: tried in turn.
        ip, port: where the agent listens.
        capacity: what it offers in all.
        attributes: what it says of itself, for jobs that ask for it.
        runtime: what its jobs run under.
        report_interval_s: 0 for a third of what lets a run lapse.
        pin_keep_s: seconds for which results and ledgers stay on IPFS after their run is over.
        log_mib: of one run's output that are kept.
        gpus: how many of the machine's GPUs it offers; None for all.
        fleet: of the Swarm behind DOCKER_HOST; None for that one Engine.
        confirmations: blocks that a claim lies deep before anything runs, and an end before it is taken for one.
        disk_mib: for pulled images and the folders of runs.
        registry: whose images are pulled with a log-in.
        keep_s: seconds for which a run's log and ledger stay here after it is over.
    """

    scheduler_urls: tuple[str, ...]
    rpc_url: str
    home: Path
    ip: str
    port: int
    capacity: Resources
    rates: Rates
    attributes: Mapping[str, str]
    runtime: RuntimeSetting
    report_interval_s: int
    confirmations: int
    public_url: str  # where the world reaches this agent; "" for nowhere
    disk_mib: int
    keep_s: int
    log_mib: int
    pin_keep_s: int = 7 * 86400
    gpus: int | None = None
    fleet: FleetSettings | None = None
    registry: RegistryLogin | None = None


def read_settings(environ: Mapping[str, str], fenced: bool) -> AgentSettings:
    """Read the environment.

    Args:
        fenced: whether jobs with a network can be kept from this machine's own.

    Raises:
        InvalidInput: with every fault.
    """
    env = Env(environ)
    schedulers = env.urls("SCHEDULER_URL", "http://127.0.0.1:5000")
    chain = ChainSettings.read_with(env)
    ip = env.text("AGENT_IP", "127.0.0.1")
    port = env.whole("AGENT_PORT", 5100, low=1, high=65535)
    cpus = env.decimal("AGENT_CPUS", Decimal(os.cpu_count() or 1), Decimal("0.01"), Decimal(512))
    memory = env.text("AGENT_MEMORY", f"{psutil.virtual_memory().total // 1024**2}M")
    egress = env.text("AGENT_EGRESS", "10M" if fenced else "0")
    prices = {
        name: env.decimal(variable, default, NO_PRICE, MOST_PRICE)
        for variable, (name, default) in PRICES.items()
    }
    interval = env.whole("REPORT_INTERVAL_S", 0, low=0, high=86400)
    confirmations = env.whole("CONFIRMATIONS", 0, low=0, high=1000)
    attributes = _attributes(env)
    public_url = _public_url(env, ip, port)
    gpus = env.whole("AGENT_GPUS", -1, low=0, high=GPUS_MOST)
    runtime = _runtime(env)
    disk_mib = _disk_mib(env)
    keep_s = env.whole("AGENT_KEEP_S", 7 * 86400, low=0, high=10 * 365 * 86400)
    pin_keep_s = env.whole("PIN_KEEP_S", 7 * 86400, low=0, high=3650 * 86400)
    log_mib = env.whole("AGENT_LOG_MIB", 16, low=1, high=1024)
    swarm, registry = _fleet(env), _registry(env)
    env.done()
    offered = _capacity(cpus, memory, egress, fenced)
    return AgentSettings(
        scheduler_urls=tuple(url.rstrip("/") for url in schedulers.split(",")),
        rpc_url=chain.rpc_url,
        home=chain.home,
        ip=ip,
        port=port,
        capacity=offered,
        rates=rates_of_prices(prices),
        attributes=attributes,
        runtime=runtime,
        report_interval_s=interval,
        confirmations=confirmations,
        public_url=public_url,
        disk_mib=disk_mib,
        keep_s=keep_s,
        log_mib=log_mib,
        pin_keep_s=pin_keep_s,
        gpus=gpus if gpus >= 0 else None,
        registry=registry,
        fleet=_at_most(swarm, offered, environ) if swarm is not None else None,
    )


def _runtime(env: Env) -> RuntimeSetting:
    text = env.text("AGENT_RUNTIME", "auto")
    for known in SETTINGS:
        if text == known:
            return known
    env.fault(f"AGENT_RUNTIME is {text!r}, and not one of {', '.join(SETTINGS)}")
    return "auto"


def _public_url(env: Env, ip: str, port: int) -> str:
    """AGENT_PUBLIC_URL, else where it listens, unless that is every address."""
    known = "" if ip in EVERYWHERE else url_at(ip, port)
    return env.origin("AGENT_PUBLIC_URL", known, "https://agent.example")


def _registry(env: Env) -> RegistryLogin | None:
    """DOCKER_REGISTRY, else Docker Hub, with DOCKER_USERNAME and DOCKER_PASSWORD; None for no log-in of ours."""
    host, username = env.text("DOCKER_REGISTRY"), env.text("DOCKER_USERNAME")
    if host and not is_registry(host):
        env.fault(f"DOCKER_REGISTRY is {host!r}, and not like registry.example:5000")
    return RegistryLogin(host, username, env.text("DOCKER_PASSWORD")) if username else None


def _disk_mib(env: Env) -> int:
    """AGENT_DISK, like 20G."""
    text = env.text("AGENT_DISK", "20G")
    try:
        return mib(text)
    except ValueError:
        env.fault(f"AGENT_DISK is {text!r}, and not like 20G or 500M")
        return 0


def _fleet(env: Env) -> FleetSettings | None:
    """AGENT_FLEET=swarm, and how."""
    kind = env.text("AGENT_FLEET", "")
    image = env.text("AGENT_FLEET_IMAGE", "python:3.11-slim")
    port = env.whole("AGENT_FLEET_PORT", 5190, low=1, high=65535)
    if kind not in ("", "swarm"):
        env.fault("AGENT_FLEET is swarm, or not set")
    return FleetSettings(image, port) if kind == "swarm" else None


def _at_most(fleet: FleetSettings, offered: Resources, environ: Mapping[str, str]) -> FleetSettings:
    """A fleet offers all that its nodes have, but for what AGENT_CPUS and AGENT_MEMORY say."""
    return replace(
        fleet,
        most_cpu_millis=offered.cpu_millis if environ.get("AGENT_CPUS") else 0,
        most_memory_mib=offered.memory_mib if environ.get("AGENT_MEMORY") else 0,
    )


def _attributes(env: Env) -> dict[str, str]:
    """AGENT_ATTRIBUTES, like region=eu,disk=ssd."""
    try:
        return attributes_of(env.text("AGENT_ATTRIBUTES"))
    except ValueError:
        env.fault(
            "AGENT_ATTRIBUTES is not like region=eu,disk=ssd: at most 32 different names of letters, digits and _, "
            "with values of letters, digits and . _ : / -"
        )
        return {}


def _capacity(cpus: Decimal, memory: str, egress: str, fenced: bool) -> Resources:
    try:
        spec = ResourceSpec(cpus=cpus, memory=memory, egress=egress)
    except ValidationError as error:
        faults = "; ".join(f"{item['loc'][0]}: {item['msg']}" for item in error.errors())
        raise InvalidInput(
            f"What the agent offers cannot be read: {faults}.",
            "Write AGENT_MEMORY and AGENT_EGRESS like 2G or 512M.",
        ) from None
    offered = Manifest(resources=spec).reserved()
    if offered.egress_kib_s and not fenced:
        raise InvalidInput(
            "AGENT_EGRESS offers a network, and the firewall cannot be set up to fence it.",
            "Run the agent as root with iptables and tc installed, or leave AGENT_EGRESS out.",
        )
    return offered
