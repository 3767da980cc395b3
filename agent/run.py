"""One run's life: accept → claim → create → start → watch → collect → complete → clean.

A loop looks at the container and the chain, lets `reconcile.decide` choose, and carries the choice out. Each
choice ends in the run's record, so the loop can be cut off anywhere and taken up by another process.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import structlog

from agent import lease
from agent import steps as do
from agent.claim import check_offer, claim_job
from agent.isolation import STOP_SECONDS, ImageFacts, RunKey
from agent.look import Seen
from agent.reconcile import Absent, Container, decide
from agent.record import RunRecord, folder_of, save
from agent.settle import complete, free_bond
from agent.status import status_of
from agent.surroundings import Surroundings
from chain.errors import DraasError, InvalidInput, Reverted, Unavailable
from chain.job import Digest, RunState, accepted, cost, usage_cap
from chain.wire import Offer, RunPhase, RunStatus

log = structlog.get_logger()

LOOK_SECONDS, CHAIN_SECONDS = 0.5, 2.0  # at the container, at the chain
SAMPLE_SECONDS, RETRY_SECONDS = 1.0, 2.0


class Run:
    """One run, from its offer to its last token."""

    def __init__(self, around: Surroundings, record: RunRecord) -> None:
        self._around = around
        self.record = record
        self.key = RunKey(record.job_id, record.attempt, record.agent)
        self.folder = folder_of(around.home, record.job_id, record.attempt)
        make, manifest = around.machine.container, record.offer.manifest
        self.container = make(self.key, manifest, self.folder, around.printed)
        self.seen: Seen | None = None
        self.phase: RunPhase = "accepted"
        self._looked = self._sampled = 0.0
        self._wake = asyncio.Event()
        self._why = ""
        self._told: RunStatus | None = None

    def wake(self) -> None:
        """Look at the chain now."""
        self._looked = 0.0
        self._wake.set()

    def renew(self, offer: Offer) -> None:
        """A repeated offer: a fresher signature for a job that is not claimed yet, or not any more."""
        undone = self.seen is not None and self.seen.chain.run is RunState.ABSENT
        if (self.record.claimed_at == 0 or undone) and not self.record.refused:
            self._save(offer=offer)
            self.wake()

    @property
    def reports(self) -> bool:
        """Whether its usage is to be reported now."""
        return self.record.claimed_at > 0 and not self.record.settled and not self.record.refused

    @property
    def metered_cost(self) -> int:
        """What a report now would earn, as far as the contract's caps allow."""
        if self.seen is None:
            return 0
        chain, used = self.seen.chain, self.container.meter.usage
        seconds = max(0, min(chain.now, chain.deadline) - chain.started_at)
        cap = usage_cap(self.record.offer.manifest.reserved(), seconds)
        return cost(accepted(used, cap), self.seen.rates)

    def status(self) -> RunStatus:
        """Where it stands, for the scheduler."""
        return status_of(self.record, self.phase, self.container, self._why)

    async def live(self) -> None:
        """Carry the run to its end."""
        while not self.record.over:
            self._wake.clear()
            try:
                action = await self._decide()
                waits = await self._carry_out(action)
                self._why = action.why if isinstance(action, do.Wait) else ""
            except (DraasError, OSError) as error:
                self._why, waits = str(error)[:500], RETRY_SECONDS
                log.warning("run.retry", run=self.key.text, error=self._why)
            self._tell()
            if waits:
                await self._pause(waits)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return

    async def _decide(self) -> do.Action:
        record = self.record
        running = record.claimed_at and record.exit is None
        if time.monotonic() - self._looked > CHAIN_SECONDS:
            self.seen = await self._around.view.look(record.job_id, record.attempt)
            self._looked = time.monotonic()
        container: Container | Absent | None = Absent()
        if running:
            try:
                container = await self.container.look(record.container_id)
            except Unavailable:
                container = None
        seen, now = self.seen, self._around.view.clock.now()
        chain = replace(seen.chain, now=now) if seen is not None else None
        self._container, grace = container, self._around.view.parameters.settle_grace
        return decide(record, container, chain, self.container.meter.usage, grace)

    async def _carry_out(self, action: do.Action) -> float:  # noqa: C901, PLR0912 - one line a case
        """Do it; the seconds after which to look again, 0 for at once."""
        match action:
            case do.Accept():
                await self._accept()
            case do.Claim():
                await self._claim()
            case do.NoteClaim(at=at):
                self._save(claimed_at=at)
            case do.Refuse(why=why):
                self._refuse(why)
            case do.Create():
                await self._create()
            case do.Start():
                await self._start()
            case do.Watch():
                return await self._watch()
            case do.Stop(why=why):
                await self._stop(why)
            case do.NoteExit(why=why):
                await self._note_exit(why)
            case do.Collect():
                await self._collect()
            case do.Complete():
                await self._complete()
            case do.NoteSettled(why=why):
                self._save(settled=True, settled_why=why)
            case do.FreeBond():
                await free_bond(self._around, self.record)
                self._looked = 0.0
            case do.Clean():
                await self.container.clean(self.record.container_id)
                self._save(cleaned=True)
            case do.NotePaid():
                self._save(paid=True)
            case do.Wait():
                return LOOK_SECONDS if self.record.exit is None or self.reports else RETRY_SECONDS
        return 0

    async def _accept(self) -> None:
        chain = self.seen.chain if self.seen is not None else None
        faults = await check_offer(self._around, self.record, chain)
        if faults:
            self._refuse("; ".join(faults))
            return
        self._at("pulling")
        try:
            await self._image()
        except InvalidInput as error:
            self._refuse(str(error))
            return
        self._save(accepted=True)
        self._at("accepted")

    async def _image(self) -> ImageFacts:
        offer, machine = self.record.offer, self._around.machine
        return await machine.ensure_image(Digest(offer.assignment.image), offer.image_name)

    async def _claim(self) -> None:
        self._at("claiming")
        try:
            await claim_job(self._around.escrow, self._around.sender, self.record.offer)
        except Reverted as error:
            if self.record.claimed_at:
                raise  # it was undone: what ran is not refused for that
            self._refuse(str(error))
        self._looked = 0.0

    def _refuse(self, why: str) -> None:
        log.info("run.refused", run=self.key.text, why=why)
        self._save(refused=why or "refused")
        self._at("refused")

    async def _create(self) -> None:
        self._at("starting")
        try:
            container_id = await self.container.create(await self._image())
        except InvalidInput as error:
            self._save(exit=await self.container.note_exit(Absent(), str(error)))
            return
        self._save(container_id=container_id, cgroup=self.container.cgroup)

    async def _start(self) -> None:
        self._at("starting")
        await self._renew_lease(0)  # so that it ends by itself even if we die at this moment
        fault = await self.container.start(self.record.container_id)
        if fault:
            why = f"the container did not start: {fault}"
            seen = await self.container.look(self.record.container_id)
            self._save(exit=await self.container.note_exit(seen, why))
            return
        log.info("run.started", run=self.key.text)

    async def _watch(self) -> float:
        self._at("running")
        self.container.follow(self.record.container_id)
        now = time.monotonic()
        if now - self._sampled >= SAMPLE_SECONDS and isinstance(self._container, Container):
            await self.container.sample(self._container)
            await self._renew_lease(self._container.pid)
            self._sampled = now
        return LOOK_SECONDS

    async def _renew_lease(self, pid: int) -> None:
        if self.seen is not None and self.seen.chain.deep_run is RunState.LIVE:
            seconds = self._around.view.lease_seconds(self.seen)
            await self.container.renew_lease(self.record.container_id, pid, seconds)

    async def _stop(self, why: str) -> None:
        self._save(stop_why=why)
        self._at("stopping")
        log.info("run.stopping", run=self.key.text, why=why)
        # What remains of the grace is for the last report: a program that ignores SIGTERM costs no pay.
        grace = self._around.view.parameters.settle_grace
        seconds = min(STOP_SECONDS, max(1, grace // 3))
        await self.container.stop(self.record.container_id, seconds)

    async def _note_exit(self, why: str) -> None:
        if self.record.container_id:
            self.container.follow(self.record.container_id)
        if lease.ran_out(self.folder):
            why = "stopped: the agent was silent for so long that the job could lapse"
        ended = await self.container.note_exit(
            self._container or Absent(), why or self.record.stop_why
        )
        lease.drop(self.folder)
        self._save(exit=ended)
        log.info("run.ended", run=self.key.text, code=ended.code, why=ended.why)
        self._at("completing")

    async def _collect(self) -> None:
        self._at("completing")
        folder = await self.container.take_results()
        cid = ""
        if folder is not None:
            try:
                cid = await self._around.store(folder)
            except DraasError as error:
                if not self._last_moment():
                    raise
                log.warning("run.results_lost", run=self.key.text, error=str(error))
        self._save(collected=True, result_cid=cid)

    def _last_moment(self) -> bool:
        """Whether half of the time for the last report is over: pay goes before results."""
        view = self._around.view
        half = view.parameters.settle_grace // 2
        return self.seen is not None and view.clock.now() > self.seen.chain.deadline + half

    async def _complete(self) -> None:
        self._at("completing")
        await self.container.meter.flush()
        await complete(self._around, self.record, self.container.meter.usage)
        self._looked = 0.0
        log.info("run.completed", run=self.key.text)

    def _save(self, **changes: Any) -> None:
        self.record = replace(self.record, **changes)
        save(self.folder, self.record)
        if self.record.settled and self.record.cleaned:
            self._at("finished")

    def _at(self, phase: RunPhase) -> None:
        if phase != self.phase:
            self.phase = phase
            self._tell()

    def _tell(self) -> None:
        status = self.status()
        if self._told is None or (self._told.phase, self._told.why) != (status.phase, status.why):
            self._told = status
            self._around.changed(status)

    async def close(self) -> None:
        """Let go; the container runs on."""
        await self.container.close()
