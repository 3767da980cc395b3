"""Which agent gets a job: filter by what it needs, then rank, and say why. Pure.

The rank, least first:
1. live runs and offers of this consumer's same bundle there: replicas are spread over providers;
2. what the job can cost at the agent's rates for the time that is left, raised by its record (`risk`);
3. the risk itself, which tells agents apart that work for nothing;
4. how much of the agent is taken;
5. its address, so that every scheduler chooses the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chain.job import Address, Rates, max_cost, units_of
from scheduler.decide.fit import (
    NO_BOND,
    NO_CPU,
    NO_MEMORY,
    TOO_DEAR,
    Candidate,
    Need,
    fits,
    free,
)
from scheduler.decide.words import cores, hourly, tokens

LOST_WEIGHT = 4  # a lost dispute weighs as much as so many lapses
BENEFIT_OF_DOUBT = 3  # completed runs that everybody is credited with
PER_MILLE = 1000


@dataclass(frozen=True, slots=True)
class Choice:
    """The outcome: an agent, or how many live agents fail which requirement.

    Args:
        cheapest: the most that the job can cost on the cheapest agent that fits, in base units.
        fitting, live: how many agents fit, of how many.
        why_not: how many agents fail which requirement; one that fails several counts in each.
        why_chosen: one line; empty when nobody was.
        nearest: for nobody, how near the nearest came; empty when that would not help.
    """

    agent: Address | None
    cheapest: int | None
    fitting: int
    live: int
    why_not: dict[str, int]
    why_chosen: str = ""
    nearest: str = ""

    @property
    def why(self) -> str:
        """One line for the consumer."""
        if self.why_chosen:
            return self.why_chosen
        if self.live == 0:
            return "no agent is connected"
        told = f"none of {self.live} live agents fits: {_counts(self.why_not)}"
        return f"{told}; {self.nearest}" if self.nearest else told


def risk(agent: Candidate) -> int:
    """How often it failed, per mille: 0 for a newcomer, 250 after one lapse alone, 9 after one among a hundred.

    Failures are lapses, and lost disputes at `LOST_WEIGHT`; all count against them and the completed runs, of
    which everybody is credited with `BENEFIT_OF_DOUBT`.
    """
    failures = agent.lapsed + LOST_WEIGHT * agent.disputes_lost
    return PER_MILLE * failures // (agent.completed + failures + BENEFIT_OF_DOUBT)


def price(need: Need, agent: Candidate) -> int:
    """What the job can cost there at most, in base units; of a registered agent only."""
    if agent.rates is None:
        raise ValueError("not registered: it has no price")
    return max_cost(need.resources, agent.rates, need.seconds)


def effective_price(need: Need, agent: Candidate) -> int:
    """The price raised by the risk: in thousandths of base units, so nothing is rounded.

    An agent that always fails counts as twice as dear.
    """
    return price(need, agent) * (PER_MILLE + risk(agent))


def choose(need: Need, agents: Iterable[Candidate]) -> Choice:
    """The best agent that fits, or why nobody does."""
    why_not: Counter[str] = Counter()
    fitting: list[Candidate] = []
    misses: list[tuple[Candidate, list[str]]] = []
    for agent in agents:
        reasons = fits(need, agent)
        why_not.update(reasons)
        if reasons:
            misses.append((agent, reasons))
        else:
            fitting.append(agent)
    best = min(fitting, key=lambda agent: _rank(need, agent), default=None)
    return Choice(
        agent=best.agent if best else None,
        cheapest=min((price(need, agent) for agent in fitting), default=None),
        fitting=len(fitting),
        live=len(fitting) + len(misses),
        why_not=dict(why_not),
        why_chosen=_why_chosen(need, best, fitting, why_not) if best else "",
        nearest="" if best else _nearest(need, misses),
    )


def _rank(need: Need, agent: Candidate) -> tuple[int, int, int, int, str]:
    asked = effective_price(need, agent)
    return agent.siblings, asked, risk(agent), _load(agent), agent.agent.lower()


def _load(agent: Candidate) -> int:
    """The fuller of its processors and its memory, per mille."""
    cpu = PER_MILLE * agent.reserved.cpu_millis // max(1, agent.capacity.cpu_millis)
    memory = PER_MILLE * agent.reserved.memory_mib // max(1, agent.capacity.memory_mib)
    return max(cpu, memory)


# ---- saying why -------------------------------------------------------------------------------------------------


def _counts(why_not: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(why_not.items()))


def _why_chosen(
    need: Need, best: Candidate, fitting: Sequence[Candidate], why_not: Mapping[str, int]
) -> str:
    at_most = tokens(price(need, best))
    record = f"record {best.completed} done, {best.lapsed} lapsed"
    if best.disputes_lost:
        record += f", {best.disputes_lost} disputes lost"
    crowded = any(agent.siblings > best.siblings for agent in fitting)
    first = f"{_distinction(need, best, fitting)} of {len(fitting)} that fit"
    if len(fitting) == 1:
        first = "the only one that fits"
    spread = f"{best.siblings} of its replicas there" if crowded else ""
    told = ", ".join(part for part in (f"{at_most} tokens at most", record, spread) if part)
    return f"{first}: {told}" + (f"; {_counts(why_not)}" if why_not else "")


def _distinction(need: Need, best: Candidate, fitting: Sequence[Candidate]) -> str:
    """What sets the chosen one apart from the others that fit: the first part of the rank that does."""
    others = [agent for agent in fitting if agent is not best]
    if any(agent.siblings > best.siblings for agent in others):
        return "fewest replicas"
    mine = effective_price(need, best)
    if any(effective_price(need, agent) > mine for agent in others):
        rivals = [agent for agent in others if agent.siblings == best.siblings]
        cheaper = any(price(need, agent) * PER_MILLE < mine for agent in rivals)
        return "best price for its record" if cheaper else "cheapest"
    if any(_load(agent) > _load(best) for agent in others):
        return "least loaded"
    return "first"


def _nearest(need: Need, misses: Sequence[tuple[Candidate, list[str]]]) -> str:
    """How near the nearest comes, among agents that fail one requirement alone."""
    only: dict[str, list[Candidate]] = {}
    for agent, reasons in misses:
        if len(reasons) == 1:
            only.setdefault(reasons[0], []).append(agent)
    asked = need.resources
    hints = []
    if dear := only.get(TOO_DEAR):
        hints.append(_price_hint(need, [agent.rates for agent in dear if agent.rates]))
    if crowded := only.get(NO_CPU):
        most = max(free(agent).cpu_millis for agent in crowded)
        hints.append(f"the most free is {cores(most)}, you ask {cores(asked.cpu_millis)}")
    if crowded := only.get(NO_MEMORY):
        most = max(free(agent).memory_mib for agent in crowded)
        hints.append(f"the most free is {most} MiB, you ask {asked.memory_mib} MiB")
    if unbonded := only.get(NO_BOND):
        most = max(agent.units_free for agent in unbonded)
        hints.append(f"the most bonded is {max(0, most)} units, you need {units_of(asked)}")
    return ", ".join(hints)


def _price_hint(need: Need, asked: Sequence[Rates]) -> str:
    least = min(asked, key=lambda rates: max_cost(need.resources, rates, 3600))
    mine, limit = (hourly(need.resources, rates) for rates in (least, need.max_rates))
    if max_cost(need.resources, least, 3600) > max_cost(need.resources, need.max_rates, 3600):
        return f"the least that {len(asked)} ask is {mine} tokens/h, your limit {limit}"
    names = (("cpu_ms", "CPU"), ("memory_mib_s", "memory"), ("egress_kib", "network"))
    over = [word for name, word in names if getattr(least, name) > getattr(need.max_rates, name)]
    return f"the least that {len(asked)} ask is above your limit for {', '.join(over or ['time'])}"
