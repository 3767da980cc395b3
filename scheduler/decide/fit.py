"""Whether an agent can take a job: what it must have, and what of that it lacks. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from chain.job import Address, JobTerms, Rates, Resources, units_of
from chain.manifest import Manifest

NOT_REGISTERED = "not registered"
TOO_DEAR = "above the price limit"
NO_BOND = "short of bonded capacity"
NO_CPU = "short of CPU"
NO_MEMORY = "short of memory"
NO_NETWORK = "short of network"
NO_DISK = "short of disk"
DRAINING = "drained for maintenance"
NO_GPU = "short of GPUs"
NOT_APART = "has another of its group already"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A live agent as the scheduler knows it.

    Args:
        capacity: what the agent offers in all.
        reserved: the sum over offered and running jobs, kept by the scheduler.
        rates: its current on-chain rate card; None when it is not registered.
        units_free: of bonded capacity: what no run holds on-chain and no offer is out for; 0 while it is leaving.
        disk_free_mib: as last told by the agent; None before its first heartbeat.
        jobs: offered to it and running there.
        avoid: why this job should not go there just now (it refused, say); empty when it may.
        attributes: what it says of itself.
        runtimes: under what it runs jobs, each with "+network" too where it can give those one.
        gpus_free: that no run there holds.
        siblings: of `jobs`, those of the same consumer and bundle as the job that is placed.
        apart: no other member of the job's `verify` group runs, ran or is offered there.
        completed, lapsed, disputes_lost: its record on-chain.
    """

    agent: Address
    capacity: Resources
    reserved: Resources = field(default_factory=lambda: Resources(0, 0, 0))
    rates: Rates | None = None
    units_free: int = 0
    disk_free_mib: int | None = None
    jobs: int = 0
    avoid: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    runtimes: Collection[str] = ("runc", "runc+network")
    gpus_free: int = 0
    siblings: int = 0
    apart: bool = True
    completed: int = 0
    lapsed: int = 0
    disputes_lost: int = 0


@dataclass(frozen=True, slots=True)
class Need:
    """What a job asks of an agent.

    Args:
        seconds: the running time that is left.
        runtime: the one that it asks for; "" for any.
    """

    resources: Resources
    max_rates: Rates
    seconds: int
    disk_mib: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)

    runtime: str = ""
    gpus: int = 0

    @staticmethod
    def of(terms: JobTerms, seconds: int, manifest: Manifest | None = None) -> Need:
        """The need of a job with these terms; without its manifest, as far as the terms tell."""
        need = Need(terms.resources, terms.max_rates, seconds)
        if manifest is None:
            return need
        return replace(
            need,
            disk_mib=manifest.resources.disk_mib,
            attributes=manifest.market.attributes,
            runtime=manifest.runtime or "",
            gpus=manifest.resources.gpus,
        )


def fits(need: Need, agent: Candidate) -> list[str]:
    """The requirements this agent fails; empty when it fits."""
    room = free(agent)
    asked = need.resources
    disk = agent.disk_free_mib
    checks = (
        (NOT_REGISTERED, agent.rates is None),
        (TOO_DEAR, agent.rates is not None and not agent.rates.within(need.max_rates)),
        (NO_BOND, units_of(asked) > agent.units_free),
        (NO_CPU, asked.cpu_millis > room.cpu_millis),
        (NO_MEMORY, asked.memory_mib > room.memory_mib),
        (NO_NETWORK, asked.egress_kib_s > room.egress_kib_s),
        (NO_DISK, disk is not None and need.disk_mib > disk),
        (NO_GPU, need.gpus > agent.gpus_free),
        (NOT_APART, not agent.apart),
        (_without_runtime(need), not _runs(need, agent)),
    )
    reasons = [reason for reason, failed in checks if failed]
    reasons += [
        f"without {name}: {value}"
        for name, value in sorted(need.attributes.items())
        if agent.attributes.get(name) != value
    ]
    return [*reasons, agent.avoid] if agent.avoid else reasons


def free(agent: Candidate) -> Resources:
    """What is not yet assigned; never negative."""
    return Resources(
        max(0, agent.capacity.cpu_millis - agent.reserved.cpu_millis),
        max(0, agent.capacity.memory_mib - agent.reserved.memory_mib),
        max(0, agent.capacity.egress_kib_s - agent.reserved.egress_kib_s),
    )


def _runs(need: Need, agent: Candidate) -> bool:
    """Whether it has a runtime for the job. gVisor gives no GPUs."""
    names = [need.runtime] if need.runtime else ["runc", "gvisor"]
    network = "+network" if need.resources.egress_kib_s else ""
    can = [name for name in names if name != "gvisor" or not need.gpus]
    return any(name + network in agent.runtimes for name in can)


def _without_runtime(need: Need) -> str:
    network = " for jobs with a network" if need.resources.egress_kib_s else ""
    return f"without {need.runtime or 'a runtime'}{network}"


def total(items: Iterable[Resources]) -> Resources:
    """The sum of reservations."""
    cpu = memory = egress = 0
    for item in items:
        cpu += item.cpu_millis
        memory += item.memory_mib
        egress += item.egress_kib_s
    return Resources(cpu, memory, egress)
