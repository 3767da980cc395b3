"""Which node a run goes to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chain.job import Resources


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the Swarm.

    Args:
        address: where it is reached.
        offers: what jobs may have of it in all.
        up: the manager hears from it.
        takes: up, and open to new jobs (not paused or drained).
    """

    id: str
    name: str
    address: str
    offers: Resources
    up: bool
    takes: bool


@dataclass(frozen=True, slots=True)
class Held:
    """What a run holds on a node."""

    node: str
    need: Resources


def capacity(nodes: Iterable[Node]) -> Resources:
    """What the nodes that take jobs offer together; no network, since a Swarm cannot fence one."""
    taking = [node.offers for node in nodes if node.takes]
    return Resources(
        sum(one.cpu_millis for one in taking), sum(one.memory_mib for one in taking), 0
    )


def room(node: Node, held: Iterable[Held]) -> Resources:
    """What is left of a node."""
    here = [one.need for one in held if one.node == node.id]
    return Resources(
        max(0, node.offers.cpu_millis - sum(need.cpu_millis for need in here)),
        max(0, node.offers.memory_mib - sum(need.memory_mib for need in here)),
        0,
    )


def choose(nodes: Sequence[Node], held: Mapping[str, Held], need: Resources) -> Node | None:
    """The node with the least room of those where the job fits, so that larger jobs still find theirs."""
    rooms = [(room(node, held.values()), node) for node in nodes if node.takes]
    fitting = [(left, node) for left, node in rooms if _fits(need, left)]
    fitting.sort(key=lambda pair: (pair[0].cpu_millis, pair[0].memory_mib, pair[1].id))
    return fitting[0][1] if fitting else None


def most(nodes: Sequence[Node], held: Mapping[str, Held], need: Resources) -> Resources:
    """The room of the node that comes nearest to a need that fits nowhere."""
    rooms = [room(node, held.values()) for node in nodes if node.takes]
    if not rooms:
        return Resources(0, 0, 0)
    return min(rooms, key=lambda left: _missing(need, left))


def _fits(need: Resources, left: Resources) -> bool:
    return _missing(need, left) == 0


def _missing(need: Resources, left: Resources) -> float:
    """How far a need is beyond what is left, as a sum of shares."""
    pairs = (
        (need.cpu_millis, left.cpu_millis),
        (need.memory_mib, left.memory_mib),
        (need.egress_kib_s, left.egress_kib_s),
    )
    return sum(max(0, want - have) / max(1, want) for want, have in pairs)


def least(one: Resources, other: Resources) -> Resources:
    """The lesser of each."""
    return Resources(
        min(one.cpu_millis, other.cpu_millis),
        min(one.memory_mib, other.memory_mib),
        min(one.egress_kib_s, other.egress_kib_s),
    )
