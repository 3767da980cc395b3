"""A dispute on its way through the court: drawn, committed to, revealed, ruled and paid."""

from __future__ import annotations

import pytest

from chain import events as ev
from chain.court import WHOLE, Phase
from chain.errors import InvalidInput, Reverted
from chain.follow import events_of_transaction
from chain.job import Address, JobState, JobTerms, RunState, Usage, cost
from chain.rpc import request
from tests.fixtures_chain import COURT, RATES, RULES, UNITS, ChainMarket

SALT = "0x" + "5a" * 32
USED = Usage(wall_s=3)
OWED = cost(USED, RATES)


async def with_juror(market: ChainMarket) -> Address:
    """The juror with a seat's stake."""
    await market.give(market.juror, COURT.seat_stake)
    approval = market.token.approve(market.book.court, COURT.seat_stake)
    await market.send(market.juror, approval)
    await market.send(market.juror, market.court.stake(COURT.seat_stake))
    return Address(market.juror.address)


async def disputed(market: ChainMarket) -> tuple[JobTerms, int]:
    """A run that has reported, disputed by its consumer; the court's number of the dispute."""
    await market.with_provider()
    terms = await market.with_job()
    job_id, me = market.escrow.job_id(terms), Address(market.provider.address)
    await market.claimed(terms)
    await market.pass_time(4)
    await market.send(market.provider, market.escrow.report_usage([(job_id, 1, USED)]))
    await market.give(market.consumer, RULES.dispute_bond)
    fee = await market.escrow.dispute_fee()
    call = market.escrow.dispute(terms, 1, me, "/ipfs/bafyevidence", fee=fee)
    receipt = await market.send(market.consumer, call)
    opened, _ = await events_of_transaction(market.w3, market.escrow, receipt.tx_hash)
    assert isinstance(opened, ev.JobDisputed)
    return terms, opened.dispute_id


async def drawn(market: ChainMarket, case: int) -> None:
    """The panel seated, once the block with the seed is there."""
    await request(market.w3, "evm_mine")
    await request(market.w3, "evm_mine")
    assert (await market.court.next_draw())[0] == case
    await market.send(market.deployer, market.court.draw())


async def test_a_dispute_is_judged_by_one_juror_and_paid_as_it_was_ruled(
    market_on_anvil: ChainMarket,
) -> None:
    market, court, escrow = market_on_anvil, market_on_anvil.court, market_on_anvil.escrow
    juror = await with_juror(market)
    assert await court.drawable() == (1, COURT.seat_stake)
    terms, case = await disputed(market)
    job_id, me = escrow.job_id(terms), Address(market.provider.address)
    consumer = Address(market.consumer.address)
    assert await court.phase(case) == (Phase.DRAWING, 0)
    assert await court.excluded(case) == [consumer, me, consumer]  # the parties, and who opened it

    await drawn(market, case)
    assert (await court.phase(case))[0] is Phase.COMMITTING
    (seat,) = await court.panel(case, 1)
    assert (seat.juror, seat.revealed) == (juror, False)
    assert (await court.juror(juror)).locked == COURT.seat_stake
    commitment = court.commitment(case, 1, juror, 2_500, SALT)
    await market.send(market.juror, court.commit(case, commitment))
    assert (await court.vote(case, 1, juror)).commitment == commitment
    assert (await court.phase(case))[0] is Phase.REVEALING
    with pytest.raises(Reverted) as other:
        await market.send(market.juror, court.reveal(case, 9_999, SALT))
    assert other.value.name == "WrongCommitment"
    await market.send(market.juror, court.reveal(case, 2_500, SALT))
    assert (await court.round(case, 1)).revealed == 1
    await market.send(market.deployer, court.tally(case))
    assert (await court.dispute(case)).ruling == 2_501
    assert (await court.phase(case))[0] is Phase.RULED
    receipt = await market.send(market.deployer, court.execute_ruling(case))
    assert (await court.phase(case))[0] is Phase.EXECUTED

    told = await events_of_transaction(market.w3, escrow, receipt.tx_hash)
    ruling, slashed, ruled = told
    assert isinstance(ruling, ev.Ruling)
    assert (ruling.dispute_id, ruling.ruling) == (case, 2_501)
    assert isinstance(slashed, ev.BondSlashed)
    assert slashed.units == terms.resources.cpu_millis + terms.resources.memory_mib
    assert isinstance(ruled, ev.DisputeRuled)
    assert (ruled.share, ruled.to_provider) == (2_500, OWED // 4)
    await paid_as_ruled(market, terms, slashed.amount)
    fees = await court.fees(juror)
    assert fees == COURT.fee_per_juror
    await market.send(market.juror, court.withdraw_fees())
    assert await court.fees(juror) == 0
    await market.send(market.juror, court.unstake(COURT.seat_stake))
    assert await market.token.balance_of(market.book.court) == 0
    assert (await escrow.job(job_id)).state is JobState.ENDED


async def paid_as_ruled(market: ChainMarket, terms: JobTerms, slashed: int) -> None:
    """A quarter to the provider, and to the consumer the rest, its dispute bond, and its costs out of the bond that was
    slashed; what is left of that is nobody's."""
    escrow, token = market.escrow, market.token
    job_id, me = escrow.job_id(terms), Address(market.provider.address)
    consumer = Address(market.consumer.address)
    run = await escrow.run(job_id, 1, me)
    assert (run.state, run.earned) == (RunState.RULED, OWED // 4)
    assert (await escrow.provider(me)).disputes_lost == 1
    costs = min(RULES.dispute_bond, slashed)
    assert await escrow.burned() == slashed - costs > 0
    credit = RULES.dispute_bond + costs + OWED - OWED // 4
    assert await escrow.credit(consumer) == credit
    unspent = (await escrow.job(job_id)).deposit
    before = await token.balance_of(consumer)
    await market.send(market.consumer, escrow.refund(terms, me))
    await market.send(market.consumer, escrow.withdraw())
    assert await token.balance_of(consumer) == before + unspent + credit
    before = await token.balance_of(me)
    await market.send(market.provider, escrow.withdraw([(job_id, 1)]))
    assert await token.balance_of(me) == before + OWED // 4
    left = UNITS * RULES.bond_per_unit - costs
    assert await token.balance_of(market.book.escrow) == left


async def test_the_commitment_reckoned_here_is_the_courts(market_on_anvil: ChainMarket) -> None:
    market, court = market_on_anvil, market_on_anvil.court
    juror = Address(market.juror.address)
    for values in ((1, 1, juror, 0, SALT), (2**200, 3, juror, WHOLE, "0x" + "00" * 32)):
        (told,) = await court._read("commitmentOf", "latest", *values)
        assert court.commitment(*values) == "0x" + told.hex()


async def test_what_could_never_be_revealed_is_not_committed_to(
    market_on_anvil: ChainMarket,
) -> None:
    court, juror = market_on_anvil.court, Address(market_on_anvil.juror.address)
    with pytest.raises(InvalidInput):
        court.commitment(1, 1, juror, WHOLE + 1, SALT)
    with pytest.raises(InvalidInput):
        court.commitment(1, 1, juror, 1, "0x5a")


async def test_a_case_that_nobody_can_judge_is_refused_and_split_evenly(
    market_on_anvil: ChainMarket,
) -> None:
    """No juror has a stake: both draws seat nobody."""
    market, court, escrow = market_on_anvil, market_on_anvil.court, market_on_anvil.escrow
    terms, case = await disputed(market)
    for _ in range(2):
        await drawn(market, case)
    assert (await court.phase(case))[0] is Phase.RULED
    await market.send(market.deployer, court.execute_ruling(case))
    run = await escrow.run(escrow.job_id(terms), 1, Address(market.provider.address))
    assert (run.state, run.earned) == (RunState.RULED, OWED // 2)
