"""Which node a run goes to."""

from __future__ import annotations

from agent.swarm.placement import Held, Node, capacity, choose, most, room
from chain.job import Resources


def a_node(name: str, cpus: int, memory: int = 1024, takes: bool = True) -> Node:
    """A node that is up."""
    return Node(name, name, "10.0.0.1", Resources(cpus, memory, 0), True, takes)


NODES = [a_node("a", 4000), a_node("b", 2000), a_node("c", 8000, takes=False)]
JOB = Resources(1000, 256, 0)


def test_the_fleet_offers_what_nodes_that_take_jobs_have_together_and_no_network() -> None:
    assert capacity(NODES) == Resources(6000, 2048, 0)
    assert capacity([]) == Resources(0, 0, 0)


def test_a_job_goes_where_it_fits_most_tightly_so_that_large_ones_still_find_room() -> None:
    chosen = choose(NODES, {}, JOB)
    assert chosen is not None
    assert chosen.id == "b"
    held = {"x": Held("b", Resources(1500, 0, 0))}
    assert choose(NODES, held, JOB) == NODES[0]


def test_a_job_that_fits_the_sum_and_no_node_finds_none_and_is_told_the_nearest() -> None:
    need = Resources(5000, 256, 0)
    assert choose(NODES, {}, need) is None
    assert most(NODES, {}, need) == Resources(4000, 1024, 0)
    assert most([], {}, need) == Resources(0, 0, 0)


def test_a_job_with_a_network_fits_nowhere() -> None:
    assert choose(NODES, {}, Resources(100, 16, 1)) is None


def test_what_is_held_on_a_node_is_not_given_twice_and_room_is_never_negative() -> None:
    held = [Held("b", JOB), Held("b", JOB), Held("a", JOB)]
    assert room(NODES[1], held) == Resources(0, 512, 0)
    assert room(a_node("b", 500), held) == Resources(0, 512, 0)
