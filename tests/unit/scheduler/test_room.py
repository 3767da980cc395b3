"""Build slots are shared between consumers, not between builds."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from chain.job import Address, Cid
from scheduler.images.room import Room

BUSY, MODEST, THIRD = (Address(f"0x{number:040x}") for number in (1, 2, 3))


def test_a_consumer_with_a_hundred_builds_delays_another_by_one_slot_at_most() -> None:
    room = Room(at_once=2, per_consumer=2)
    for number in range(100):
        room.ask(Cid(f"slow-{number}"), BUSY)
    assert {room.take(), room.take()} == {"slow-0", "slow-1"}
    room.ask(Cid("modest"), MODEST)
    assert room.before(Cid("modest")) == 0
    assert room.take() is None
    room.leave(Cid("slow-1"))
    assert room.take() == "modest"


def test_a_consumer_that_may_not_fill_all_slots_delays_nobody() -> None:
    room = Room(at_once=2, per_consumer=1)
    for number in range(100):
        room.ask(Cid(f"slow-{number}"), BUSY)
    assert room.take() == "slow-0"
    assert room.take() is None
    room.ask(Cid("modest"), MODEST)
    assert room.take() == "modest"


def test_among_equals_the_longest_waiting_is_next() -> None:
    room = Room(at_once=1, per_consumer=1)
    for name, consumer in (("a", BUSY), ("b", MODEST), ("c", BUSY)):
        room.ask(Cid(name), consumer)
    order = []
    while cid := room.take():
        order.append(cid)
        room.leave(cid)
    assert order == ["a", "b", "c"]


def test_everybody_sees_how_many_come_before() -> None:
    room = Room(at_once=1, per_consumer=1)
    for name, consumer in (("a1", BUSY), ("a2", BUSY), ("a3", BUSY), ("b", MODEST), ("c", THIRD)):
        room.ask(Cid(name), consumer)
    assert room.take() == "a1"
    told = {name: room.before(Cid(name)) for name in ("a1", "a2", "a3", "b", "c")}
    assert told == {"a1": None, "b": 0, "c": 1, "a2": 2, "a3": 3}


def test_one_bundle_of_two_consumers_is_built_once_for_whoever_is_first() -> None:
    room = Room(at_once=3, per_consumer=1)
    for name, consumer in (("x", BUSY), ("shared", BUSY), ("shared", MODEST)):
        room.ask(Cid(name), consumer)
    assert [room.take(), room.take(), room.take()] == ["x", "shared", None]
    room.ask(Cid("shared"), THIRD)
    assert room.before(Cid("shared")) is None
    assert room.is_building(Cid("shared"))


steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(0, 20), st.integers(0, 3)),
        st.tuples(st.just("take"), st.just(0), st.just(0)),
        st.tuples(st.just("leave"), st.integers(0, 20), st.just(0)),
    ),
    max_size=60,
)


@given(steps, st.integers(1, 4), st.integers(1, 4))
def test_no_limit_is_passed_and_whoever_may_go_goes(
    acts: list[tuple[str, int, int]], at_once: int, per_consumer: int
) -> None:
    room = Room(at_once, per_consumer)
    waiting: dict[Cid, set[Address]] = {}
    building: dict[Cid, Address] = {}
    for act, number, consumer in acts:
        cid, who = Cid(f"cid-{number}"), Address(f"0x{consumer:040x}")
        if act == "ask":
            room.ask(cid, who)
            if cid not in building:
                waiting.setdefault(cid, set()).add(who)
        elif act == "leave":
            room.leave(cid)
            building.pop(cid, None)
        else:
            running = Counter(building.values())
            may = {
                one for asked in waiting.values() for one in asked if running[one] < per_consumer
            }
            taken = room.take()
            assert (taken is None) == (len(building) >= at_once or not may)
            if taken is not None:
                fewest = min(running[one] for one in may)
                by = [one for one in waiting.pop(taken) if one in may and running[one] == fewest]
                assert by
                building[taken] = by[0] if len(by) == 1 else room._building[taken]
        places = [room.before(one) for one in waiting]
        assert sorted(places) == list(range(len(waiting)))  # type: ignore[type-var]
