"""What needs no gas of its signer, batches, and when money is final."""

from __future__ import annotations

from tests.contracts.market import (
    DEPOSIT,
    ENDED,
    HELD,
    OPEN,
    WINDOW,
    Market,
    full,
    later,
    now,
    price,
    refused,
    terms_hash,
)
from tests.contracts.signing import CONSUMER_KEY, PROVIDER_KEY, signed, signed_report


def test_a_job_is_posted_in_one_transaction_with_a_permit(market: Market) -> None:
    token, escrow, consumer = market.token, market.escrow, market.consumer
    token.approve(escrow, 0, {"from": consumer})
    deadline = now() + 600
    permit = (consumer.address, escrow.address, DEPOSIT, token.nonces(consumer), deadline)
    signature = signed(token, "Permit", permit, CONSUMER_KEY, name="DRaaS Resource Token")[2:]
    r, s, v = signature[:64], signature[64:128], int(signature[128:], 16)
    terms = market.terms()
    token.permit(*permit[:3], deadline, v, r, s, {"from": market.stranger})  # no obstacle
    escrow.postJobWithPermit(terms, DEPOSIT, deadline, v, r, s, {"from": consumer})
    assert escrow.stateOf(escrow.jobIdOf(terms)) == OPEN
    assert token.balanceOf(consumer) == HELD - DEPOSIT


def test_a_signed_cancel_is_sent_by_anybody_until_its_deadline(market: Market) -> None:
    terms, job = market.run()
    deadline = now() + 60
    cancel = signed(market.escrow, "Cancel", (str(job), deadline), CONSUMER_KEY)
    arguments = (terms[0], terms_hash(terms), deadline)
    forged = signed(market.escrow, "Cancel", (str(job), deadline), PROVIDER_KEY)
    with refused("SignatureInvalid"):
        market.escrow.cancelJobBySignature(*arguments, forged, {"from": market.provider})
    market.escrow.cancelJobBySignature(*arguments, cancel, {"from": market.stranger})
    assert market.escrow.stateOf(job) == ENDED
    terms, job = market.run()
    cancel = signed(market.escrow, "Cancel", (str(job), deadline), CONSUMER_KEY)
    later(61)
    with refused("SignatureExpired"):
        market.escrow.cancelJobBySignature(
            terms[0], terms_hash(terms), deadline, cancel, {"from": market.stranger}
        )


def test_a_signed_report_is_relayed_once_by_anybody(market: Market) -> None:
    _, job = market.run()
    later(100)
    report, deadline = (job, 1, full(100)), now() + 60
    (signature,) = signed_report(market.escrow, report, deadline, PROVIDER_KEY)
    (forged,) = signed_report(market.escrow, report, deadline, CONSUMER_KEY)
    item = (market.provider.address, report, deadline)
    with refused("ReportNotSigned"):
        market.escrow.relayReports([(*item, forged)], {"from": market.stranger})
    market.escrow.relayReports([(*item, signature)], {"from": market.stranger})
    assert market.escrow.earnedOf(job, 1, market.provider)[0] == price(100)
    with refused("NothingNew"):
        market.escrow.relayReports([(*item, signature)], {"from": market.stranger})
    later(61)
    with refused("ReportExpired"):
        market.escrow.relayReports([(*item, signature)], {"from": market.stranger})


def test_a_report_that_the_consumer_signs_too_is_final_at_once(market: Market) -> None:
    terms, job = market.run()
    later(100)
    report, deadline = (job, 1, full(100)), now() + 60
    own, agreed = signed_report(market.escrow, report, deadline, PROVIDER_KEY, CONSUMER_KEY)
    signed_item = (market.provider.address, report, deadline, own)
    with refused("SignatureInvalid"):
        market.escrow.reportFinal(
            signed_item, terms[0], terms_hash(terms), own, {"from": market.stranger}
        )
    market.escrow.reportFinal(
        signed_item, terms[0], terms_hash(terms), agreed, {"from": market.stranger}
    )
    assert tuple(market.escrow.earnedOf(job, 1, market.provider)) == (price(100), price(100))
    tx = market.escrow.withdraw([], {"from": market.provider})
    assert tx.return_value == price(100)


def test_a_bad_item_of_a_batch_is_skipped_and_the_others_are_booked(market: Market) -> None:
    (_, first), (_, second) = market.run(), market.run()
    later(100)
    bad = ("0x" + "77" * 32, 1, full(100))
    batch = [(first, 1, full(100)), bad, (second, 1, full(50))]
    tx = market.escrow.reportUsage(batch, {"from": market.provider})
    assert len(tx.events["UsageReported"]) == 2
    assert tx.events["ReportSkipped"]["jobId"] == bad[0]
    assert market.escrow.earnedOf(first, 1, market.provider)[0] == price(100)
    assert market.escrow.earnedOf(second, 1, market.provider)[0] == price(50)
    with refused("UsageFell"):  # the first reason of a batch in which every item is bad
        market.escrow.reportUsage([(first, 1, full(10)), bad], {"from": market.provider})
    with refused("NothingToReport"):
        market.escrow.reportUsage([], {"from": market.provider})


def test_usage_is_capped_by_what_was_reserved_and_the_time_that_passed(market: Market) -> None:
    _, job = market.run()
    started = market.escrow.runs(job, 1, market.provider)[3]
    later(30)
    tx = market.report(job, (2**63, 2**63, 2**63, 2**63))
    ran = now() - started
    assert tuple(tx.events["UsageReported"]["usage"]) == full(ran)


def test_a_reported_amount_is_final_between_one_and_two_windows_later(market: Market) -> None:
    _, job = market.run()
    later(WINDOW - now() % WINDOW)  # to the first second of an epoch
    market.report(job, full(1))
    later(WINDOW - 10)
    assert market.escrow.withdrawableOf(job, 1, market.provider) == 0
    with refused("NothingToWithdraw"):
        market.escrow.withdraw([(job, 1)], {"from": market.provider})
    market.report(job, full(200))
    later(WINDOW + 20)
    assert market.escrow.withdrawableOf(job, 1, market.provider) == price(200)


def test_one_withdrawal_takes_many_runs_and_the_credit(market: Market) -> None:
    (_, first), (_, second) = market.run(), market.run()
    later(100)
    batch = [(first, 1, full(100)), (second, 1, full(50))]
    market.escrow.reportUsage(batch, {"from": market.provider})
    later(2 * WINDOW)
    market.report(first, full(200))  # releases what was final before to the credit
    assert market.escrow.creditOf(market.provider) == price(100)
    refs = [(first, 1), (second, 1), (second, 7)]
    tx = market.escrow.withdraw(refs, {"from": market.provider})
    assert tx.return_value == price(100) + price(50)
    with refused("NothingToWithdraw"):
        market.escrow.withdraw(refs, {"from": market.provider})
    with refused("NothingToWithdraw"):
        market.escrow.withdraw(refs, {"from": market.rival})
