"""The two ways in which a run of ours is settled on-chain: by its last report, or without it when it is too late."""

from __future__ import annotations

import structlog

from agent.runs.record import RunRecord
from agent.runs.surroundings import Surroundings
from chain.errors import Reverted
from chain.job import Usage
from chain.trace import traced

log = structlog.get_logger()


@traced("complete")
async def complete(around: Surroundings, record: RunRecord, usage: Usage) -> None:
    """Send the last report and the end of the run, in one. Safe to repeat.

    Raises:
        Reverted: the contract refuses; nothing was sent.
        Unavailable: the chain does not answer.
    """
    code = record.exit.code if record.exit is not None else 0
    report = (record.job_id, record.attempt, usage)
    call = around.escrow.complete_job(*report, code, record.result_cid)
    receipt = await around.sender.send(call, f"complete/{record.job_id}/{record.attempt}")
    around.view.reached(receipt.block)


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
