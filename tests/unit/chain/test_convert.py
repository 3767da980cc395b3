"""Bodies on the wire and our types are the same thing in two forms."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chain.calls import Call
from chain.convert import (
    address_of,
    rates_body,
    rates_of,
    terms_body,
    terms_of,
    unsigned_tx,
    usage_body,
    usage_of,
)
from chain.job import MAX_RATE, Address, Cid, JobTerms, Rates, Resources, Usage

ADDRESS = Address("0x52908400098527886E0F7030069857D2E4169EE7")
U32, U63 = st.integers(0, 2**32 - 1), st.integers(0, 2**63 - 1)
RATE = st.integers(0, MAX_RATE)
RATES = st.builds(Rates, RATE, RATE, RATE, RATE)
TERMS = st.builds(
    JobTerms,
    consumer=st.just(ADDRESS),
    scheduler=st.just(ADDRESS),
    watcher=st.just(ADDRESS),
    salt=st.binary(min_size=32, max_size=32).map(lambda raw: "0x" + raw.hex()),
    resources=st.builds(Resources, U32, U32, U32),
    max_rates=RATES,
    duration=U32,
    claim_within=U32,
    cid=st.just(Cid("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi")),
)


@given(TERMS)
def test_terms_are_the_same_after_the_wire(terms: JobTerms) -> None:
    body = terms_body(terms)
    assert terms_of(type(body).model_validate_json(body.model_dump_json())) == terms


@given(RATES, st.builds(Usage, U63, U63, U63, U63))
def test_rates_and_usage_keep_every_digit(rates: Rates, usage: Usage) -> None:
    rates_text, usage_text = (
        rates_body(rates).model_dump_json(),
        usage_body(usage).model_dump_json(),
    )
    assert rates_of(type(rates_body(rates)).model_validate_json(rates_text)) == rates
    assert usage_of(type(usage_body(usage)).model_validate_json(usage_text)) == usage


def test_an_address_of_any_capitals_is_the_same_one() -> None:
    assert address_of(ADDRESS.lower()) == address_of(ADDRESS) == ADDRESS


def test_a_call_becomes_a_transaction_for_a_wallet() -> None:
    body = unsigned_tx(Call(ADDRESS, b"\1\2", 3, "pay"), 1337)
    assert (body.chain_id, body.to, body.data, body.value) == (1337, ADDRESS, "0x0102", "3")
