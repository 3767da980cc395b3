"""The escrow's bindings against the contract, on Anvil, and the whole life of a job on Ganache too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chain import events as ev
from chain.errors import Conflict, InvalidInput, Reverted
from chain.escrow import Escrow
from chain.follow import events_of_transaction, next_batch
from chain.interface import from_abi, to_abi
from chain.job import (
    MAX_AMOUNT,
    MAX_RESERVE,
    ZERO_ADDRESS,
    Address,
    Cid,
    JobId,
    JobState,
    Resources,
    RunState,
    Usage,
    cost,
    earned,
    final_earned,
    max_cost,
)
from tests.fixtures_chain import IMAGE, RATES, RULES, TERMS, UNITS, ChainMarket

NOWHERE = JobId("0x" + "99" * 32)


async def test_the_id_computed_here_is_the_contracts(market_on_anvil: ChainMarket) -> None:
    market, escrow = market_on_anvil, market_on_anvil.escrow
    long_cid = Cid("b" + "a" * 120)
    for terms in (
        market.terms(),
        market.terms(salt=2**255),
        replace(market.terms(), cid=long_cid, duration=2**32 - 1),
        replace(market.terms(), resources=Resources(MAX_RESERVE, 1, 0), cid=Cid("")),
    ):
        (found,) = await escrow._read("jobIdOf", "latest", terms)
        assert escrow.job_id(terms) == "0x" + found.hex()


async def test_an_escrow_without_a_chain_id_learns_it(market_on_anvil: ChainMarket) -> None:
    market = market_on_anvil
    bare = Escrow(market.w3, market.book.escrow, market.book.escrow_abi)
    with pytest.raises(RuntimeError):
        bare.job_id(market.terms())
    await bare.prepare()
    assert bare.job_id(market.terms()) == market.escrow.job_id(market.terms())


async def test_a_job_nobody_posted_is_absent(market_on_anvil: ChainMarket) -> None:
    escrow = market_on_anvil.escrow
    assert (await escrow.job(NOWHERE)).state is JobState.ABSENT
    assert await escrow.state(NOWHERE) is JobState.ABSENT
    assert (await escrow.run(NOWHERE, 1, ZERO_ADDRESS)).state is RunState.ABSENT
    assert await escrow.earned(NOWHERE, 1, ZERO_ADDRESS) == (0, 0)
    assert await escrow.withdrawable(NOWHERE, 1, ZERO_ADDRESS) == 0
    assert await escrow.refundable(NOWHERE, ZERO_ADDRESS) == 0
    assert not (await escrow.dispute_record(7)).open


def test_a_value_out_of_range_is_refused_before_anything_is_sent(
    market_on_anvil: ChainMarket,
) -> None:
    escrow = market_on_anvil.escrow
    with pytest.raises(InvalidInput):
        escrow.top_up(NOWHERE, -1)
    with pytest.raises(InvalidInput):
        escrow.complete_job(NOWHERE, 256, Usage(), 0, "")
    with pytest.raises(InvalidInput):
        escrow.post_job(replace(TERMS, resources=Resources(MAX_RESERVE + 1, 1)), 1)
    for job_id in (JobId("0x" + "11" * 33), JobId("job"), JobId("0xzz")):
        with pytest.raises(InvalidInput):
            escrow.top_up(job_id, 1)
    with pytest.raises(InvalidInput):
        escrow.complete_job(NOWHERE, 1, Usage(cpu_ms=2**64), 0, "")


async def test_a_job_from_post_to_the_last_withdrawal(each_market: ChainMarket) -> None:
    market = each_market
    escrow, token = market.escrow, market.token
    await market.with_provider()
    terms = await market.with_job()
    job_id = escrow.job_id(terms)
    assert await escrow.state(job_id) is JobState.OPEN
    await market.claimed(terms)
    await market.pass_time(5)
    usage = Usage(cpu_ms=3000, memory_mib_s=100, egress_kib=1, wall_s=4)
    receipt = await market.send(market.provider, escrow.complete_job(job_id, 1, usage, 3, "bafy"))
    _, completed = await events_of_transaction(market.w3, escrow, receipt.tx_hash)
    assert isinstance(completed, ev.JobCompleted)
    assert (completed.exit_code, completed.result_cid) == (3, "bafy")
    owed, me = cost(usage, RATES), Address(market.provider.address)
    run = await escrow.run(job_id, 1, me)
    assert (run.state, run.earned, run.released) == (RunState.SETTLED, owed, 0)
    assert await escrow.earned(job_id, 1, me) == (earned(usage, RATES, MAX_AMOUNT), 0)
    unspent = (await escrow.job(job_id)).deposit
    assert await escrow.refundable(job_id, ZERO_ADDRESS) == unspent
    await market.send(market.consumer, escrow.refund(terms, ZERO_ADDRESS))
    assert await token.balance_of(Address(market.consumer.address)) == unspent
    await market.pass_time(RULES.settle_grace + 2 * RULES.window)
    assert await escrow.withdrawable(job_id, 1, me) == owed
    assert await escrow.state(job_id) is JobState.CLOSED
    before = await token.balance_of(me)
    await market.send(market.provider, escrow.withdraw([(job_id, 1)]))
    assert await token.balance_of(me) == before + owed
    assert await token.balance_of(market.book.escrow) == UNITS * RULES.bond_per_unit


async def test_every_event_of_a_life_is_told_in_our_types(market_on_anvil: ChainMarket) -> None:
    market, escrow = market_on_anvil, market_on_anvil.escrow
    await market.with_provider()
    terms = await market.with_job()
    job_id = escrow.job_id(terms)
    await market.claimed(terms)
    await market.send(market.provider, escrow.report_usage([(job_id, 1, Usage(wall_s=0))]))
    batch = await next_batch(market.w3, escrow, None, market.book.deployed_at_block, 0)
    registered, rates, posted, claimed, reported = batch.events
    assert isinstance(registered, ev.ProviderRegistered)
    assert registered.bonded == UNITS
    assert isinstance(rates, ev.RatesSet)
    assert (rates.rates, rates.rate_card) == (RATES, 1)
    assert isinstance(posted, ev.JobPosted)
    assert (posted.terms, posted.job_id) == (terms, job_id)
    assert posted.claim_by == posted.at.timestamp + terms.claim_within
    assert isinstance(claimed, ev.JobClaimed)
    assert (claimed.image, claimed.attempt, claimed.rate_card) == (IMAGE, 1, 1)
    assert isinstance(reported, ev.UsageReported)
    assert (reported.usage, reported.earned) == (Usage(), 0)
    block = await market.w3.eth.get_block(reported.at.block_number)
    assert reported.at.timestamp == block["timestamp"]


async def test_a_bad_report_in_a_batch_is_told_by_the_name_of_its_fault(
    market_on_anvil: ChainMarket,
) -> None:
    market, escrow = market_on_anvil, market_on_anvil.escrow
    await market.with_provider()
    terms = await market.with_job()
    await market.claimed(terms)
    good = (escrow.job_id(terms), 1, Usage())
    call = escrow.report_usage([good, (NOWHERE, 1, Usage())])
    receipt = await market.send(market.provider, call)
    told = await events_of_transaction(market.w3, escrow, receipt.tx_hash)
    (skipped,) = [event for event in told if isinstance(event, ev.ReportSkipped)]
    assert skipped.job_id == NOWHERE
    assert skipped.reason == "NoSuchRun"


async def test_a_silent_agents_job_lapses_and_keeps_what_was_earned(
    market_on_anvil: ChainMarket,
) -> None:
    market, escrow = market_on_anvil, market_on_anvil.escrow
    await market.with_provider()
    terms = await market.with_job()
    job_id = escrow.job_id(terms)
    await market.claimed(terms)
    await market.pass_time(3)
    await market.send(market.provider, escrow.report_usage([(job_id, 1, Usage(wall_s=2))]))
    with pytest.raises(Reverted) as early:
        await market.send(
            market.consumer, escrow.lapse_job(terms, Address(market.provider.address))
        )
    assert early.value.name == "NotLapsed"
    assert early.value.arguments["jobId"] == job_id
    await market.pass_time(RULES.lapse_after + 1)
    await market.send(market.consumer, escrow.lapse_job(terms, Address(market.provider.address)))
    job = await escrow.job(job_id)
    assert (job.state, job.attempt) == (JobState.OPEN, 2)
    me = Address(market.provider.address)
    assert (await escrow.earned(job_id, 1, me))[0] == cost(Usage(wall_s=2), RATES)
    provider = await escrow.provider(me)
    assert (provider.reserved, provider.lapsed) == (0, 1)


async def test_an_unruled_dispute_is_split_evenly_and_paid_as_credit(
    market_on_anvil: ChainMarket,
) -> None:
    market, escrow = market_on_anvil, market_on_anvil.escrow
    await market.with_provider()
    terms = await market.with_job()
    job_id, me = escrow.job_id(terms), Address(market.provider.address)
    await market.claimed(terms)
    await market.pass_time(3)
    await market.send(market.provider, escrow.report_usage([(job_id, 1, Usage(wall_s=2))]))
    await market.give(market.consumer, RULES.dispute_bond)
    fee = await escrow.dispute_fee()
    call = escrow.dispute(terms, 1, me, "/ipfs/bafyevidence", fee=fee - 1)
    with pytest.raises(Reverted) as unpaid:
        await market.send(market.consumer, call)
    assert (unpaid.value.name, unpaid.value.arguments) == ("WrongFee", {"fee": fee})
    call = escrow.dispute(terms, 1, me, "/ipfs/bafyevidence", fee=fee)
    receipt = await market.send(market.consumer, call)
    told = await events_of_transaction(market.w3, escrow, receipt.tx_hash)
    disputed, evidence = told
    assert isinstance(disputed, ev.JobDisputed)
    assert isinstance(evidence, ev.Evidence)
    assert evidence.evidence == "/ipfs/bafyevidence"
    assert evidence.evidence_group_id == disputed.dispute_id
    assert await escrow.state(job_id) is JobState.DISPUTED
    frozen = await escrow.run(job_id, 1, me)
    assert frozen.state is RunState.FROZEN
    assert final_earned(frozen, RULES.window, 10**10) == 0
    record = await escrow.dispute_record(disputed.dispute_id)
    assert (record.job_id, record.open, record.provider) == (job_id, True, me)
    await market.send(market.provider, escrow.submit_evidence(disputed.dispute_id, "/ipfs/other"))
    await market.pass_time(RULES.ruling_time + 1)
    await market.send(market.provider, escrow.rule_by_default(disputed.dispute_id))
    assert await escrow.earned(job_id, 1, me) == (frozen.earned // 2,) * 2
    half = frozen.earned - frozen.earned // 2
    assert await escrow.credit(Address(market.consumer.address)) == RULES.dispute_bond + half
    await market.send(market.consumer, escrow.withdraw())
    assert await escrow.credit(Address(market.consumer.address)) == 0


async def test_cancel_decline_and_top_up_reach_their_functions(
    market_on_anvil: ChainMarket,
) -> None:
    market, escrow = market_on_anvil, market_on_anvil.escrow
    first, second = await market.with_job(1), await market.with_job(2)
    await market.give(market.consumer, 5)
    await market.send(market.consumer, escrow.top_up(escrow.job_id(first), 5))
    full = max_cost(first.resources, first.max_rates, first.duration)
    assert (await escrow.job(escrow.job_id(first))).deposit == full + 5
    await market.send(market.consumer, escrow.cancel_job(first))
    receipt = await market.send(market.scheduler, escrow.decline_job(second, "no main.py"))
    declined, _ = await events_of_transaction(market.w3, escrow, receipt.tx_hash)
    assert isinstance(declined, ev.JobDeclined)
    assert declined.reason == "no main.py"
    assert await market.token.balance_of(Address(market.consumer.address)) == 2 * full + 5


async def test_a_provider_leaves_with_its_bond(market_on_anvil: ChainMarket) -> None:
    market, escrow = market_on_anvil, market_on_anvil.escrow
    me = Address(market.provider.address)
    await market.with_provider()
    await market.send(market.provider, escrow.set_rates(replace(RATES, wall_s=5)))
    assert (await escrow.provider(me)).rate_card == 2
    assert (await escrow.rates(me, 2)).wall_s == 5
    assert await escrow.rates(me, 1) == RATES
    await market.send(market.provider, escrow.start_unbond())
    await market.pass_time(RULES.unbond_time + 1)
    await market.send(market.provider, escrow.withdraw_bond())
    assert (await escrow.provider(me)).bonded == 0


async def test_an_address_without_a_contract_is_told_and_not_read_as_zero(
    market_on_anvil: ChainMarket,
) -> None:
    market = market_on_anvil
    empty = Escrow(market.w3, Address("0x" + "77" * 20), market.book.escrow_abi, 1)
    with pytest.raises(Conflict, match="not of the expected shape"):
        await empty.state(NOWHERE)


async def test_a_posted_cid_that_is_no_text_stops_nobody_and_shows_by_its_id(
    market_on_anvil: ChainMarket,
) -> None:
    market, escrow = market_on_anvil, market_on_anvil.escrow
    terms = replace(market.terms(), cid=Cid("b" * 32))
    await market.give(market.consumer, 10**18)
    call = escrow.post_job(terms, 10**18)
    hostile = replace(call, data=call.data.replace(b"b" * 32, b"\xff\xfe" * 16))
    receipt = await market.send(market.consumer, hostile)
    (posted,) = await events_of_transaction(market.w3, escrow, receipt.tx_hash)
    assert isinstance(posted, ev.JobPosted)
    assert escrow.job_id(posted.terms) != posted.job_id


async def test_terms_go_into_abi_values_and_back_unchanged(market_on_anvil: ChainMarket) -> None:
    terms = market_on_anvil.terms(5)
    parameter = market_on_anvil.escrow.interface.functions["jobIdOf"].inputs[0]
    assert from_abi(type(terms), to_abi(terms, parameter)) == terms
