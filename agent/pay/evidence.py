"""The usage ledgers of runs that ended or are disputed, published on IPFS: what a bill rests on, for anybody to check.
In a dispute the court is told where it is.

Payment waits for none of this: a node that does not answer is asked again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from agent.runs.run import Run
from agent.runs.runs import Runs
from agent.runs.store import Store
from chain.errors import DraasError, Reverted
from chain.escrow import Escrow
from chain.events import JobDisputed
from chain.follow import events_of_job
from chain.job import JobState, RunState
from chain.sender import Sender
from chain.wire import RunStatus

log = structlog.get_logger()
TICK_S = 1.0
RETRY_S = 15.0


class Publisher:
    """Publishes ledgers.

    Args:
        store: the IPFS node.
        from_block: of the escrow's deployment.
        changed: told of the status of a run whose ledger was published.
    """

    def __init__(
        self,
        runs: Runs,
        store: Store,
        escrow: Escrow,
        sender: Sender,
        from_block: int,
        changed: Callable[[RunStatus], None],
    ) -> None:
        self._runs = runs
        self._store = store
        self._escrow = escrow
        self._sender = sender
        self._from_block = from_block
        self._changed = changed
        self._told: set[str] = set()  # disputed runs whose court knows

    async def work(self) -> None:
        """Publish for ever."""
        while True:
            pause = TICK_S
            try:
                await self.publish()
            except (DraasError, OSError) as error:
                log.warning("evidence.postponed", error=str(error)[:300])
                pause = RETRY_S
            except Exception:
                log.exception("evidence.failed")
                pause = RETRY_S
            await asyncio.sleep(pause)

    async def publish(self) -> None:
        """Publish what is due.

        Raises:
            Unavailable: the IPFS node or the chain does not answer.
        """
        for run in self._runs.all():
            disputed = _is_disputed(run)
            if not (disputed or run.record.settled):
                continue
            if _is_due(run, disputed):
                cid = await run.container.meter.publish(self._store.keep)
                log.info("evidence.published", run=run.key.text, cid=cid)
                self._changed(run.status())
            if disputed and run.record.exit is not None and run.key.text not in self._told:
                await self._tell_court(run)
                self._told.add(run.key.text)

    async def _tell_court(self, run: Run) -> None:
        """Name the ledger as evidence in the open disputes about this run."""
        job_id, attempt = run.record.job_id, run.record.attempt
        events = await events_of_job(self._escrow.w3, self._escrow, job_id, self._from_block)
        for event in events:
            if not isinstance(event, JobDisputed):
                continue
            if (event.attempt, event.provider) != (attempt, run.record.agent):
                continue
            path = f"/ipfs/{run.container.meter.evidence}"
            call = self._escrow.submit_evidence(event.dispute_id, path)
            try:
                await self._sender.send(call, f"evidence/{job_id}/{attempt}/{event.dispute_id}")
            except Reverted as error:
                log.info("evidence.refused", run=run.key.text, error=str(error))


def _is_due(run: Run, disputed: bool) -> bool:
    """Of a dispute, at once, though its program may still be stopping; and again when no line more is to come."""
    if disputed and run.record.exit is None:
        return not run.container.meter.evidence
    return not run.container.meter.is_published


def _is_disputed(run: Run) -> bool:
    chain = run.seen.chain if run.seen is not None else None
    return chain is not None and (
        chain.run is RunState.FROZEN
        or (chain.state is JobState.DISPUTED and chain.attempt == run.record.attempt)
    )
