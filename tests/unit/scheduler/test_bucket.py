"""A bucket gives its burst at once and its rate in the long run, and nobody takes another's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scheduler.sessions.bucket import Bucket, Buckets


def test_a_burst_goes_at_once_and_what_follows_waits_for_the_rate() -> None:
    bucket = Bucket.full(10, 5, 100.0)
    assert [bucket.take(1, 100.0) for _ in range(5)] == [0.0] * 5
    assert bucket.take(1, 100.0) == 0.1
    assert bucket.take(1, 100.0) == 0.2
    assert bucket.take(1, 101.0) == 0.0


def test_what_is_refused_takes_nothing() -> None:
    bucket = Bucket.full(1, 1, 0.0)
    assert bucket.take_if(1, 0.0) == 0.0
    assert bucket.take_if(1, 0.5) == 0.5
    assert bucket.take_if(1, 1.0) == 0.0


@given(st.lists(st.floats(0, 2), max_size=60))
def test_nobody_gets_more_than_the_burst_and_the_rate(gaps: list[float]) -> None:
    bucket, now, given_out = Bucket.full(3, 4, 0.0), 0.0, 0
    for gap in gaps:
        now += gap
        given_out += bucket.take_if(1, now) == 0
    assert given_out <= 4 + 3 * now + 1e-6


def test_each_name_has_its_own_and_few_are_remembered() -> None:
    buckets = Buckets(1, 1, most=2)
    assert buckets.take("a", 0.0) == 0.0
    assert buckets.take("b", 0.0) == 0.0
    assert buckets.take("a", 0.0) > 0
    assert buckets.take("c", 0.0) == 0.0  # b is forgotten, a was asked for since
    assert buckets.take("a", 0.0) > 0
    assert buckets.take("b", 0.0) == 0.0
