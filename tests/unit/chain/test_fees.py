"""A replacement costs enough more for a node to take it, and never more than the limit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chain.fees import Fees

WEI = st.integers(0, 10**12)
DYNAMIC = st.builds(lambda tip, more: Fees(tip + more, tip), WEI, WEI)
LEGACY = st.builds(Fees, WEI, st.none())


@given(st.one_of(st.tuples(DYNAMIC, DYNAMIC), st.tuples(LEGACY, LEGACY)), st.integers(0, 10**13))
def test_a_replacement_rises_by_a_tenth_at_least_and_stays_within_the_limit(
    pair: tuple[Fees, Fees], limit: int
) -> None:
    market, old = pair
    new = market.replacing(old, limit)
    if new is None:
        assert max(market.most, old.most * 5 // 4 + 1) > limit
        return
    assert limit >= new.most > old.most
    assert new.most * 10 >= old.most * 11
    assert new.most >= market.most
    assert (new.tip is None) == (old.tip is None)
    if new.tip is not None and old.tip is not None:
        assert new.most >= new.tip
        assert new.tip * 10 >= old.tip * 11


def test_fees_stand_in_a_transaction_by_the_chains_kind() -> None:
    assert Fees(7, None).fields() == {"gasPrice": 7}
    assert Fees(7, 2).fields() == {"type": 2, "maxFeePerGas": 7, "maxPriorityFeePerGas": 2}
