"""Getting paid: one report for all runs at every interval, one withdrawal for all that is final."""

from __future__ import annotations

import asyncio
import time

import structlog

from agent.runs.look import ChainView
from agent.runs.run import Run
from agent.runs.runs import Runs
from agent.runs.settle import totals_of
from chain.errors import DraasError, Reverted
from chain.escrow import Escrow
from chain.job import JobId, RunState, Usage
from chain.sender import Sender

log = structlog.get_logger()

TICK_SECONDS = 1.0
CREDIT_SECONDS = 5.0  # between two looks at our credit
MAX_BATCH = 50
WITHDRAW_WINDOWS = 6  # while runs go on, final money and credit are fetched at most so often


class Reporter:
    """Sends usage reports and withdrawals.

    Args:
        interval_s: seconds between two reports; well below what lets a run lapse.
    """

    def __init__(
        self, escrow: Escrow, sender: Sender, view: ChainView, runs: Runs, interval_s: float
    ) -> None:
        self._escrow = escrow
        self._sender = sender
        self._view = view
        self._runs = runs
        self._interval_s = interval_s
        self._reported: dict[str, float] = {}
        self._withdrawn = time.monotonic()
        self._asked = 0.0
        self._exhausted: set[str] = set()

    async def work(self) -> None:
        """Report and withdraw for ever."""
        while True:
            try:
                await self.report()
                await self.withdraw()
            except DraasError as error:
                log.warning("report.retry", error=str(error)[:300])
            except Exception:
                log.exception("report.failed")
            await asyncio.sleep(TICK_SECONDS)

    async def report(self) -> None:
        """Report every running run, if it is time for any of them.

        Raises:
            Unavailable: the chain does not answer.
        """
        running = [run for run in self._runs.all() if run.reports and _goes_on(run)]
        if not any(self._due(run) for run in running):
            return
        for start in range(0, len(running), MAX_BATCH):
            await self._report(running[start : start + MAX_BATCH])

    def _due(self, run: Run) -> bool:
        """By the interval; at once when a report would use the deposit up."""
        key = run.key.text
        last = self._reported.setdefault(key, time.monotonic())
        seen = run.seen
        if seen is not None and seen.exhausts(run.metered_cost) and key not in self._exhausted:
            self._exhausted.add(key)
            return True
        return time.monotonic() - last >= self._interval_s

    async def _report(self, runs: list[Run]) -> None:
        reports: list[tuple[JobId, int, Usage]] = []
        for run in runs:
            usage = await totals_of(run.record, run.container.meter)
            reports.append((run.record.job_id, run.record.attempt, usage))
        try:
            receipt = await self._sender.send(self._escrow.report_usage(reports), "")
            log.info("usage.reported", runs=len(runs), tx=receipt.tx_hash)
        except Reverted as error:
            log.info("usage.refused", error=str(error))
        for run in runs:
            self._reported[run.key.text] = time.monotonic()
            run.wake()

    async def withdraw(self) -> None:
        """Fetch what is final, and our credit: at once when nothing more is to come, else now and then.

        Raises:
            Unavailable: the chain does not answer.
        """
        unpaid = [run for run in self._runs.all() if run.record.claimed_at and not run.record.paid]
        due = [run for run in unpaid if _final_now(run) > 0]
        whole = any(run.record.settled and run.seen and run.seen.chain.all_final for run in due)
        late = time.monotonic() - self._withdrawn > WITHDRAW_WINDOWS * self._view.parameters.window
        if not (whole or late or not unpaid):
            return
        if not due and not await self._has_credit():
            return
        refs = [(run.record.job_id, run.record.attempt) for run in due[:MAX_BATCH]]
        try:
            receipt = await self._sender.send(self._escrow.withdraw(refs), "")
            log.info("money.withdrawn", runs=len(refs), tx=receipt.tx_hash)
        except Reverted as error:
            log.info("money.refused", error=str(error))
        self._withdrawn = time.monotonic()
        for run in due:
            run.wake()
        await asyncio.sleep(TICK_SECONDS)

    async def _has_credit(self) -> bool:
        """Whether the escrow holds credit of ours; asked now and then only."""
        if time.monotonic() - self._asked < CREDIT_SECONDS:
            return False
        self._asked = time.monotonic()
        return await self._view.credit() > 0


def _goes_on(run: Run) -> bool:
    """Whether it has to be reported so as not to lapse: its program runs, or the verdict of its group is awaited."""
    return run.record.exit is None or run.record.outcome is not None


def _final_now(run: Run) -> int:
    """Base units that are final and neither paid out nor credited, as last seen."""
    chain = run.seen.chain if run.seen is not None else None
    if chain is None or chain.run is RunState.ABSENT:
        return 0
    return max(0, chain.final - chain.released)
