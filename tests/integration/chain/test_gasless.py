"""What one party signs and another sends: the contract takes it for exactly what was signed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chain import events as ev
from chain.connect import chain_time
from chain.errors import Reverted
from chain.follow import events_of_transaction
from chain.job import Address, JobState, JobTerms, Usage, cost
from chain.messages import Cancel, UsageReport, sign_cancel, sign_report
from tests.fixtures_chain import RATES, RULES, ChainMarket

USED = Usage(cpu_ms=500, memory_mib_s=20, egress_kib=3, wall_s=2)
OWED = cost(USED, RATES)


async def running(market: ChainMarket) -> JobTerms:
    """A job that the provider has run for some seconds."""
    await market.with_provider()
    terms = await market.with_job()
    await market.claimed(terms)
    await market.pass_time(4)
    return terms


async def a_report(market: ChainMarket, terms: JobTerms, usage: Usage = USED) -> UsageReport:
    """Totals of the running attempt, good for some minutes."""
    deadline = await chain_time(market.w3) + 300
    return UsageReport(market.escrow.job_id(terms), 1, usage, deadline)


async def test_a_cancel_that_the_consumer_signed_is_taken_from_anybody(
    each_market: ChainMarket,
) -> None:
    market, escrow = each_market, each_market.escrow
    terms = await market.with_job()
    cancel = Cancel(escrow.job_id(terms), await chain_time(market.w3) + 300)
    forged = sign_cancel(market.scheduler, market.domain, cancel)
    call = escrow.cancel_job_by_signature(terms, cancel.deadline, forged)
    with pytest.raises(Reverted) as refused:
        await market.send(market.scheduler, call)
    assert refused.value.name == "SignatureInvalid"
    signature = sign_cancel(market.consumer, market.domain, cancel)
    call = escrow.cancel_job_by_signature(terms, cancel.deadline, signature)
    receipt = await market.send(market.scheduler, call)
    (cancelled,) = await events_of_transaction(market.w3, escrow, receipt.tx_hash)
    assert isinstance(cancelled, ev.JobCancelled)
    back = await market.token.balance_of(Address(market.consumer.address))
    assert cancelled.refunded == back > 0
    assert await escrow.state(cancel.job_id) is JobState.CLOSED


async def test_a_cancel_past_its_deadline_is_refused(market_on_anvil: ChainMarket) -> None:
    market, escrow = market_on_anvil, market_on_anvil.escrow
    terms = await market.with_job()
    cancel = Cancel(escrow.job_id(terms), await chain_time(market.w3) - 1)
    signature = sign_cancel(market.consumer, market.domain, cancel)
    call = escrow.cancel_job_by_signature(terms, cancel.deadline, signature)
    with pytest.raises(Reverted) as refused:
        await market.send(market.scheduler, call)
    assert refused.value.name == "SignatureExpired"


async def test_a_report_that_the_provider_signed_is_taken_from_anybody_and_once(
    each_market: ChainMarket,
) -> None:
    market, escrow = each_market, each_market.escrow
    terms = await running(market)
    report, me = await a_report(market, terms), Address(market.provider.address)
    signed = (me, report, sign_report(market.provider, market.domain, report))
    receipt = await market.send(market.consumer, escrow.relay_reports([signed]))
    (told,) = await events_of_transaction(market.w3, escrow, receipt.tx_hash)
    assert isinstance(told, ev.UsageReported)
    assert (told.usage, told.earned, told.provider) == (USED, OWED, me)
    with pytest.raises(Reverted) as again:
        await market.send(market.consumer, escrow.relay_reports([signed]))
    assert again.value.name == "NothingNew"


async def test_a_report_that_was_changed_on_its_way_is_skipped_by_name(
    market_on_anvil: ChainMarket,
) -> None:
    market, escrow = market_on_anvil, market_on_anvil.escrow
    terms = await running(market)
    report, me = await a_report(market, terms), Address(market.provider.address)
    signature = sign_report(market.provider, market.domain, report)
    raised = replace(report, usage=replace(USED, cpu_ms=900))
    late = replace(report, deadline=await chain_time(market.w3) - 1)
    old = (me, late, sign_report(market.provider, market.domain, late))
    call = escrow.relay_reports([(me, raised, signature), old, (me, report, signature)])
    receipt = await market.send(market.consumer, call)
    told = await events_of_transaction(market.w3, escrow, receipt.tx_hash)
    skipped = [event.reason for event in told if isinstance(event, ev.ReportSkipped)]
    assert skipped == ["ReportNotSigned", "ReportExpired"]
    assert await escrow.earned(report.job_id, 1, me) == (OWED, 0)


async def test_a_relayed_report_above_what_was_reserved_waits_for_its_time(
    market_on_anvil: ChainMarket,
) -> None:
    market, escrow = market_on_anvil, market_on_anvil.escrow
    terms = await running(market)
    me = Address(market.provider.address)
    report = await a_report(market, terms, Usage(wall_s=60))
    signed = (me, report, sign_report(market.provider, market.domain, report))
    with pytest.raises(Reverted) as refused:
        await market.send(market.consumer, escrow.relay_reports([signed]))
    assert refused.value.name == "UsageAboveCap"
    for _ in range(2):  # not all at once: the run must not lapse meanwhile
        await market.pass_time(25)
        await market.send(market.provider, escrow.report_usage([(report.job_id, 1, Usage())]))
    await market.pass_time(10)
    await market.send(market.consumer, escrow.relay_reports([signed]))
    assert (await escrow.earned(report.job_id, 1, me))[0] == cost(Usage(wall_s=60), RATES)


async def test_what_both_have_signed_is_final_at_once(each_market: ChainMarket) -> None:
    market, escrow = each_market, each_market.escrow
    terms = await running(market)
    report, me = await a_report(market, terms), Address(market.provider.address)
    agreed = sign_report(market.consumer, market.domain, report)
    mine = sign_report(market.provider, market.domain, report)
    call = escrow.report_final((me, report, mine), terms, agreed)
    receipt = await market.send(market.scheduler, call)
    _, released = await events_of_transaction(market.w3, escrow, receipt.tx_hash)
    assert isinstance(released, ev.Released)
    assert released.amount == OWED == await escrow.credit(me)
    before = await market.token.balance_of(me)
    await market.send(market.provider, escrow.withdraw())
    assert await market.token.balance_of(me) == before + OWED
    await market.give(market.consumer, RULES.dispute_bond)
    fee = await escrow.dispute_fee()
    call = escrow.dispute(terms, 1, me, "/ipfs/too-late", fee=fee)
    with pytest.raises(Reverted) as disputed:
        await market.send(market.consumer, call)
    assert disputed.value.name == "NothingToDispute"


async def test_a_provider_that_sends_the_agreed_report_itself_need_not_sign_it(
    market_on_anvil: ChainMarket,
) -> None:
    market, escrow = market_on_anvil, market_on_anvil.escrow
    terms = await running(market)
    report, me = await a_report(market, terms), Address(market.provider.address)
    agreed = sign_report(market.consumer, market.domain, report)
    alone = sign_report(market.provider, market.domain, report)
    call = escrow.report_final((me, report, "0x"), terms, alone)
    with pytest.raises(Reverted) as refused:
        await market.send(market.provider, call)
    assert refused.value.name == "SignatureInvalid"
    await market.send(market.provider, escrow.report_final((me, report, "0x"), terms, agreed))
    assert await escrow.earned(report.job_id, 1, me) == (OWED, OWED)
