"""Which agent gets a job: filter by what it needs, then the cheapest, then the least loaded. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from chain.job import Address, JobTerms, Rates, Resources, max_cost, units_of


@dataclass(frozen=True, slots=True)
class Candidate:
    """A live agent as the scheduler knows it.

    Args:
        capacity: what the agent offers in all.
        reserved: the sum over offered and running jobs, kept by the scheduler.
        rates: its current on-chain rate card; None when it is not registered.
        units_free: of bonded capacity: what no run holds on-chain and no offer is out for; 0 while it is leaving.
        disk_free_mib: as last told by the agent; None before its first heartbeat.
        avoid: why this job should not go there just now (it refused, say); empty when it may.
    """

    agent: Address
    capacity: Resources
    reserved: Resources = field(default_factory=lambda: Resources(0, 0, 0))
    rates: Rates | None = None
    units_free: int = 0
    disk_free_mib: int | None = None
    jobs: int = 0
    avoid: str = ""


@dataclass(frozen=True, slots=True)
class Need:
    """What a job asks of an agent; `seconds` is the running time that is left."""

    resources: Resources
    max_rates: Rates
    seconds: int
    disk_mib: int = 0

    @staticmethod
    def of(terms: JobTerms, seconds: int, disk_mib: int = 0) -> Need:
        """The need of a job with these terms."""
        return Need(terms.resources, terms.max_rates, seconds, disk_mib)


@dataclass(frozen=True, slots=True)
class Choice:
    """The outcome: an agent, or how many live agents fail which requirement."""

    agent: Address | None
    cheapest: int | None
    fitting: int
    live: int
    why_not: dict[str, int]

    @property
    def why(self) -> str:
        """One line for the consumer."""
        if self.live == 0:
            return "no agent is connected"
        counts = ", ".join(f"{count} {reason}" for reason, count in sorted(self.why_not.items()))
        return f"none of {self.live} live agents fits: {counts}"


def fits(need: Need, agent: Candidate) -> list[str]:
    """The requirements this agent fails; empty when it fits."""
    reasons: list[str] = []
    if agent.rates is None:
        reasons.append("not registered")
    elif not agent.rates.within(need.max_rates):
        reasons.append("above the price limit")
    if units_of(need.resources) > agent.units_free:
        reasons.append("short of bonded capacity")
    room = free(agent)
    if need.resources.cpu_millis > room.cpu_millis:
        reasons.append("short of CPU")
    if need.resources.memory_mib > room.memory_mib:
        reasons.append("short of memory")
    if need.resources.egress_kib_s > room.egress_kib_s:
        reasons.append("short of network")
    if agent.disk_free_mib is not None and need.disk_mib > agent.disk_free_mib:
        reasons.append("short of disk")
    if agent.avoid:
        reasons.append(agent.avoid)
    return reasons


def free(agent: Candidate) -> Resources:
    """What is not yet assigned; never negative."""
    return Resources(
        max(0, agent.capacity.cpu_millis - agent.reserved.cpu_millis),
        max(0, agent.capacity.memory_mib - agent.reserved.memory_mib),
        max(0, agent.capacity.egress_kib_s - agent.reserved.egress_kib_s),
    )


def choose(need: Need, agents: Iterable[Candidate]) -> Choice:
    """The cheapest agent that fits, by what the reserved resources cost at its rates; then the least loaded."""
    why_not: Counter[str] = Counter()
    ranked: list[tuple[int, float, str, Address]] = []
    live = 0
    for agent in agents:
        live += 1
        reasons = fits(need, agent)
        why_not.update(reasons)
        if not reasons and agent.rates is not None:
            price = max_cost(need.resources, agent.rates, need.seconds)
            ranked.append((price, _load(agent), agent.agent.lower(), agent.agent))
    best = min(ranked, default=None)
    return Choice(
        agent=best[3] if best else None,
        cheapest=best[0] if best else None,
        fitting=len(ranked),
        live=live,
        why_not=dict(why_not),
    )


def _load(agent: Candidate) -> float:
    cpu = agent.reserved.cpu_millis / max(1, agent.capacity.cpu_millis)
    memory = agent.reserved.memory_mib / max(1, agent.capacity.memory_mib)
    return max(cpu, memory)


def total(items: Iterable[Resources]) -> Resources:
    """The sum of reservations."""
    cpu = memory = egress = 0
    for item in items:
        cpu += item.cpu_millis
        memory += item.memory_mib
        egress += item.egress_kib_s
    return Resources(cpu, memory, egress)
