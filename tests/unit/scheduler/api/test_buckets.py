from hypothesis import given
from hypothesis import strategies as st

from scheduler.api.buckets import Buckets, Rate, Seats


def test_a_client_may_ask_so_many_at_once_and_then_so_many_a_second() -> None:
    buckets = Buckets(Rate(per_s=2, burst=3))
    assert [buckets.take("a", 10.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("a", 10.5) == 0
    assert buckets.take("a", 10.5) == 0.5


def test_one_clients_haste_is_not_anothers_wait() -> None:
    buckets = Buckets(Rate(per_s=1, burst=1))
    assert buckets.take("a", 0) == 0
    assert buckets.take("a", 0) > 0
    assert buckets.take("b", 0) == 0


def test_no_more_clients_are_remembered_than_there_is_room_for() -> None:
    buckets = Buckets(Rate(per_s=1, burst=1), max_clients=10)
    for number in range(1000):
        buckets.take(str(number), number / 1000)
    assert len(buckets) == 10


@given(st.lists(st.floats(0, 5), min_size=1, max_size=60))
def test_in_no_stretch_of_time_more_is_granted_than_burst_and_rate(gaps: list[float]) -> None:
    buckets, now, granted = Buckets(Rate(per_s=3, burst=4)), 0.0, []
    for gap in gaps:
        now += gap
        if buckets.take("a", now) == 0:
            granted.append(now)
    for first, begin in enumerate(granted):
        for last, end in enumerate(granted[first:], 1):
            assert last <= 4 + 3 * (end - begin) + 1e-6


def test_seats_are_so_many_for_each_and_so_many_in_all() -> None:
    seats = Seats(each=2, total=3)
    assert [seats.take("a") for _ in range(3)] == ["", "", "client"]
    assert [seats.take("b") for _ in range(2)] == ["", "all"]
    seats.give_back("a")
    assert seats.take("b") == ""
