"""The two ways in which a run of ours is settled on-chain: by its last report, or without it when it is too late."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from agent.meter.meter import Meter
from agent.runs.look import Seen
from agent.runs.record import RunRecord
from agent.runs.surroundings import Surroundings
from chain.convert import usage_of
from chain.errors import Reverted
from chain.job import Usage, accepted, cost, usage_cap
from chain.messages import UsageReport
from chain.result import Result
from chain.trace import traced
from chain.verdict import CUT_SHORT, Answer

log = structlog.get_logger()


async def totals_of(record: RunRecord, meter: Meter) -> Usage:
    """What the next report says, written down and signed. Once a verdict is awaited that is what was vouched for: the
    consumer signs the same, and a report of more would leave no room for it."""
    metered = await meter.report()
    return usage_of(record.outcome.usage) if record.outcome is not None else metered


@traced("complete")
async def complete(around: Surroundings, record: RunRecord, usage: Usage) -> None:
    """Send the last report and the end of the run, in one. Safe to repeat.

    Raises:
        Reverted: the contract refuses; nothing was sent.
        Unavailable: the chain does not answer.
    """
    report = (record.job_id, record.attempt, usage)
    code = _code_of(record)
    call = around.escrow.complete_job(*report, code, record.result_cid)
    receipt = await around.sender.send(call, f"complete/{record.job_id}/{record.attempt}")
    around.view.reached(receipt.block)


def _code_of(record: RunRecord) -> int:
    """The program's exit code; of a member of a `verify` group that was cut short it would pass for a result."""
    if record.exit is None or (record.is_verified and record.cut_short):
        return CUT_SHORT
    return record.exit.code


async def vouch_for(
    around: Surroundings, record: RunRecord, usage: Usage, seen: Seen
) -> dict[str, Any]:
    """This agent's signed word of how a run ended, and the report that pays for it: within the contract's caps, for a
    report that two have signed is not cut down to them. As changes of the record."""
    code, chain = _code_of(record), seen.chain
    reserved = record.offer.manifest.reserved()
    span = max(0, min(chain.head_time, chain.deadline) - chain.started_at)
    due = accepted(usage, usage_cap(reserved, span))
    until = chain.deadline + around.view.parameters.settle_grace
    which = (record.job_id, record.attempt)
    result = Result(*which, Answer(code, record.result_cid))
    told = await asyncio.to_thread(around.vouch, result, UsageReport(*which, due, until))
    worth = min(cost(due, seen.rates), seen.deposit)
    return {"outcome": told, "vouched_at": chain.now, "vouched_for": worth}


async def free_bond(around: Surroundings, record: RunRecord) -> None:
    """Have a run settled that we never completed, which frees its bond.

    Raises:
        Unavailable: the chain does not answer.
    """
    call = around.escrow.settle_job(record.job_id, record.agent)
    try:
        receipt = await around.sender.send(call, f"settle/{record.job_id}/{record.attempt}")
        around.view.reached(receipt.block)
    except Reverted as error:
        log.info("run.settled_by_another", job=record.job_id, error=str(error))
