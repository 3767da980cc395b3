"""All runs of this agent: taken up from their records at the start, added by offers, kept until they are paid."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable

import structlog

from agent.engine.isolation import RunKey
from agent.runs.drain import Drain
from agent.runs.gpus import NO_GPUS, Listing, unheld
from agent.runs.record import RunRecord, folder_of, load_all, save, was_claimed
from agent.runs.run import Run
from agent.runs.surroundings import Surroundings
from chain.errors import DraasError
from chain.job import JobId, Resources
from chain.log_setup import working_on
from chain.wire import Offer, run_key

log = structlog.get_logger()


class Runs:
    """The runs, each with a task of its own.

    Args:
        capacity: what this agent offers in all.
        drain: whether it takes no new ones.
        gpus: the devices that it can hand out.
    """

    def __init__(
        self, capacity: Resources, drain: Drain | None = None, gpus: Listing = NO_GPUS
    ) -> None:
        self.capacity = capacity
        self.drain = drain or Drain()
        self.gpus = gpus
        self._runs: dict[str, Run] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._around: Surroundings | None = None

    def offer_in_all(self, capacity: Resources) -> None:
        """What is offered changed: a node came or went."""
        self.capacity = capacity

    def all(self) -> list[Run]:
        """Every run that is in memory, oldest first."""
        return list(self._runs.values())

    def get(self, job_id: str, attempt: int) -> Run | None:
        """One run."""
        return self._runs.get(run_key(job_id, attempt))

    def begin(self, around: Surroundings) -> None:
        """Take up every run that is not over."""
        self._around = around
        records, faults = load_all(around.home)
        for fault in faults:
            log.error("record.unreadable", error=str(fault))
        for record in records:
            if not record.over and record.agent == around.agent:
                self._add(record)

    def offer(self, offer: Offer) -> None:
        """An offer came, perhaps not for the first time."""
        if self._around is None:
            return
        key = run_key(offer.assignment.job_id, offer.assignment.attempt)
        known = self._runs.get(key)
        if known is not None and not known.record.over:
            known.renew(offer)
            return
        if known is not None and not known.record.refused:
            return
        record = RunRecord(offer=offer, agent=self._around.agent)
        folder = folder_of(self._around.home, record.job_id, record.attempt)
        if known is None and was_claimed(folder):
            log.info("offer.over", job=record.job_id, attempt=record.attempt)
            return
        task = self._tasks.pop(key, None)
        if known is not None and task is not None:
            self._runs.pop(key)
            known.container.meter.close()
            known.container.spool.close()
        save(folder, record)
        self._add(record)

    def wake(self, job_id: JobId) -> None:
        """Look at this job's runs now."""
        for run in self.all():
            if run.record.job_id == job_id:
                run.wake()

    def ended(self, key: str) -> None:
        """The Engine says that a run's container has ended; "": any may have."""
        known = self._runs.get(key)
        for run in self.all() if not key else [known] if known is not None else []:
            run.ended()

    def free(self, apart_from: RunRecord | None = None) -> Resources:
        """What is not reserved. For a run: by those accepted already, or offered before it."""
        cpu, memory, egress = (
            self.capacity.cpu_millis,
            self.capacity.memory_mib,
            self.capacity.egress_kib_s,
        )
        earlier = True
        for run in self.all():
            record = run.record
            if apart_from is not None and record.offer == apart_from.offer:
                earlier = False
                continue
            if record.holds_resources and (record.accepted or record.claimed_at or earlier):
                need = record.offer.manifest.reserved()
                cpu -= need.cpu_millis
                memory -= need.memory_mib
                egress -= need.egress_kib_s
        left = Resources(max(0, cpu), max(0, memory), max(0, egress))
        if apart_from is None or self._around is None:
            return left
        key = RunKey(apart_from.job_id, apart_from.attempt, apart_from.agent)
        return self._around.machine.room(left, key, apart_from.offer.manifest.reserved())

    def gpus_free(self, apart_from: RunRecord | None = None) -> tuple[str, ...]:
        """The devices that no run holds; for a run: nor is promised to one that was offered before it."""
        return unheld(self.gpus.ids, [run.record for run in self.all()], apart_from)

    def gpus_for(self, record: RunRecord) -> tuple[str, ...]:
        """The devices to hand to a run: as many as it wants, if so many are free for it."""
        return self.gpus_free(record)[: record.offer.manifest.resources.gpus]

    def _add(self, record: RunRecord) -> None:
        if self._around is None:
            return
        run = Run(self._around, record)
        self._runs[run.key.text] = run
        with working_on(record.job_id, record.attempt):
            self._tasks[run.key.text] = asyncio.create_task(self._live(run))

    async def _live(self, run: Run) -> None:
        """The top of one run's loop: whatever goes wrong is told, and tried again."""
        while True:
            try:
                await run.live()
                return
            except Exception:
                log.exception("run.failed", run=run.key.text)
                await asyncio.sleep(5)

    async def forget(self, told: Callable[[Run], bool]) -> None:
        """Let go of runs that are over, once the scheduler was told everything."""
        for run in self.all():
            if not run.record.over or not told(run):
                continue
            key = run.key.text
            task = self._tasks.pop(key, None)
            if task is not None:
                await task
            del self._runs[key]
            await run.close()
            if run.record.claimed_at == 0:
                await asyncio.to_thread(shutil.rmtree, run.folder, ignore_errors=True)

    async def close(self) -> None:
        """Stop looking after the runs; their containers run on."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for run in self.all():
            try:
                await run.close()
            except (DraasError, OSError, ValueError) as error:
                log.warning("run.close", run=run.key.text, error=str(error))
