"""A member of a `verify` group vouches for its result, waits a while to be paid, and completes whatever comes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.container.restart import Exit
from agent.observed import Absent, Here
from agent.runs import steps as do
from agent.runs.reconcile import HOLD_LEAST_S, HOLD_MOST_S, decide, hold_s
from agent.runs.record import RunRecord, load, save
from chain.group import GroupId, Kind, Member, salt_of
from chain.job import JobState, Usage
from chain.wire import OutcomeBody, UsageBody
from tests.unit.agent.builders import NOW, an_ended_record, an_offer, on_chain

GRACE = 15
OUTCOME = OutcomeBody(
    exit_code=0, result_cid="", signature="0x" + "00" * 65, usage=UsageBody(),
    deadline=NOW + 600, report_signature="0x" + "00" * 65,
)  # fmt: skip


def a_member(kind: Kind = "verify", **changes: Any) -> RunRecord:
    """A record of a program that ran for ten seconds."""
    record, salt = (
        an_ended_record(**changes),
        salt_of(Member(GroupId("0x" + "5a" * 24), kind, 1, 3)),
    )
    return replace(record, offer=an_offer().model_copy(update={
        "terms": record.offer.terms.model_copy(update={"salt": salt}),
        "manifest": record.offer.manifest.model_copy(update={"verify": 3}),
    }))  # fmt: skip


def next_step(record: RunRecord, **chain: Any) -> do.Action:
    return decide(record, Absent(), on_chain(**chain), Usage(), GRACE, Here(NOW * 1000, 30))


VOUCHED: dict[str, Any] = {"outcome": OUTCOME, "vouched_at": NOW + 20}


def test_it_vouches_before_it_completes() -> None:
    assert next_step(a_member()) == do.Vouch()


def test_once_vouched_for_it_waits_for_the_verdict() -> None:
    assert isinstance(next_step(a_member(**VOUCHED), now=NOW + 30, earned=5), do.Wait)


def test_paid_at_once_it_completes_at_once() -> None:
    assert next_step(a_member(**VOUCHED), now=NOW + 30, earned=5, released=5) == do.Complete()


def test_earlier_reports_that_are_paid_are_not_what_it_vouched_for() -> None:
    waiting = a_member(**VOUCHED, vouched_for=9)
    assert isinstance(next_step(waiting, now=NOW + 30, earned=5, released=5), do.Wait)
    assert next_step(waiting, now=NOW + 30, earned=9, released=9) == do.Complete()


def test_it_vouches_for_nothing_before_the_chain_covers_what_was_metered() -> None:
    head = {"now": NOW + 20, "started_at": NOW, "deadline": NOW + 600}
    record, used = a_member(), Usage(wall_s=20)

    def at(head_time: int) -> do.Action:
        chain = on_chain(**head, head_time=head_time)
        return decide(record, Absent(), chain, used, GRACE, Here(NOW * 1000, 30))

    assert isinstance(at(NOW + 5), do.Wait)
    assert at(NOW + 20) == do.Vouch()


def test_a_salt_that_says_more_than_the_manifest_holds_nothing_up() -> None:
    record = a_member()
    plain = record.offer.manifest.model_copy(update={"verify": 1})
    offer = record.offer.model_copy(update={"manifest": plain})
    assert next_step(replace(record, offer=offer)) == do.Complete()


@pytest.mark.parametrize(
    "chain",
    [
        {"now": NOW + 20 + HOLD_LEAST_S},  # nobody has paid in time
        {"now": NOW + 30, "deadline": NOW + 30},  # the job's time is over
        {"now": NOW + 30, "state": JobState.ENDED, "deadline": NOW + 25},  # it was cancelled
    ],
)
def test_it_waits_for_nobodys_consent(chain: dict[str, Any]) -> None:
    assert next_step(a_member(**VOUCHED), **chain) == do.Complete()


@pytest.mark.parametrize(
    "record",
    [
        an_ended_record(),
        a_member("replicas"),
        a_member(stop_why="the deposit is used up"),  # what was cut short is no result
        a_member(exit=Exit(125, 0, (NOW + 1) * 1000, "it did not start")),
    ],
)
def test_what_has_no_result_to_compare_completes_without_waiting(record: RunRecord) -> None:
    assert next_step(record) == do.Complete()


def test_the_longer_it_ran_the_longer_it_waits_within_limits() -> None:
    ran = [Exit(0, 0, seconds * 1000) for seconds in (1, 200, 10**6)]
    assert [hold_s(a_member(exit=one)) for one in ran] == [HOLD_LEAST_S, 200, HOLD_MOST_S]


def test_what_was_vouched_for_outlives_the_agent(tmp_path: Path) -> None:
    record = a_member(**VOUCHED)
    save(tmp_path, record)
    assert load(tmp_path) == record
