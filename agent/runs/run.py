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

from agent.container import lease
from agent.container.host import Wanted
from agent.engine.isolation import RunKey
from agent.observed import Absent, Container
from agent.runs import steps as do
from agent.runs.collect import collect
from agent.runs.ending import cut_why, exit_why, plan_start, stop_seconds
from agent.runs.look import Seen
from agent.runs.record import RunRecord, folder_of, save
from agent.runs.settle import complete, free_bond, totals_of, vouch_for
from agent.runs.sight import LOOK_SECONDS, Sight
from agent.runs.start import Beginning
from agent.runs.status import news_of, status_of
from agent.runs.surroundings import Surroundings
from chain.errors import DraasError, InvalidInput, Reverted
from chain.wire import Offer, RunPhase, RunStatus

log = structlog.get_logger()

SAMPLE_SECONDS, RETRY_SECONDS = 1.0, 2.0


class Run:
    """One run, from its offer to its last token."""

    def __init__(self, around: Surroundings, record: RunRecord) -> None:
        self._around = around
        self.record = record
        self.key = RunKey(record.job_id, record.attempt, record.agent)
        self.folder = folder_of(around.home, record.job_id, record.attempt)
        offer, made = record.offer, around.seal(record)
        self.container = around.machine.container(
            Wanted(
                self.key,
                offer.manifest,
                self.folder,
                around.printed,
                made,
                offer.url,
                record.runtime,
            )
        )
        self.container.oom_kills_before = record.starts.oom_kills
        self._begin = Beginning(around, record, self.container, self._say)
        self._sight = Sight(around, self.container)
        self.phase: RunPhase = "running" if record.starts.count else "accepted"
        self._sampled = 0.0
        self._wake = asyncio.Event()
        self.container.on_health = self._wake.set
        self._why = ""
        self._told: RunStatus | None = None

    def wake(self) -> None:
        """Look at the chain now."""
        self._sight.renew_chain()
        self._wake.set()

    def ended(self) -> None:
        """Look at the container now: it has ended, by the Engine's word."""
        self._sight.renew_container()
        self._wake.set()

    def renew(self, offer: Offer) -> None:
        """A repeated offer: a fresher signature for a job that is not claimed yet, or not any more."""
        undone = self.seen is not None and self.seen.is_absent
        if (self.record.claimed_at == 0 or undone) and not self.record.refused:
            self._save(offer=offer)
            self.wake()

    @property
    def seen(self) -> Seen | None:
        """What the chain said of it last; None before it said anything."""
        return self._sight.chain

    @property
    def reports(self) -> bool:
        """Whether its usage is to be reported now."""
        return self.record.claimed_at > 0 and not self.record.settled and not self.record.refused

    @property
    def metered_cost(self) -> int:
        """What a report now would earn, as far as the contract's caps allow."""
        reserved = self.record.offer.manifest.reserved()
        return self.seen.cost_of(self.container.meter.usage, reserved) if self.seen else 0

    def status(self) -> RunStatus:
        """Where it stands, for the scheduler."""
        return status_of(self.record, self.phase, self.container, self._why)

    async def live(self) -> None:
        """Carry the run to its end."""
        while not self.record.over:
            self._wake.clear()
            try:
                action = await self._sight.decide(self.record)
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

    async def _carry_out(self, action: do.Action) -> float:  # noqa: C901, PLR0912 - one line a case
        """Do it; the seconds after which to look again, 0 for at once."""
        match action:
            case do.Accept():
                await self._accept()
            case do.Claim():
                return await self._claim()
            case do.NoteClaim(at=at):
                self._save(claimed_at=at)
            case do.Refuse(why=why):
                self._refuse(why)
            case do.Create():
                await self._create()
            case do.Start():
                return await self._start()
            case do.Watch():
                return await self._watch()
            case do.Heal(why=why):
                self._save(starts=replace(self.record.starts, ill=why))
                await self._end_program()
            case do.Again(ended=seen):
                self._save(starts=await plan_start(self.container, self.record, seen))
            case do.Stop(why=why):
                await self._stop(why)
            case do.NoteExit(why=why):
                await self._note_exit(why)
            case do.Collect():
                await self._collect()
            case do.Vouch():
                await self._vouch()
            case do.Complete():
                await self._complete()
            case do.NoteSettled(why=why):
                self._save(settled=True, settled_why=why)
            case do.FreeBond():
                await free_bond(self._around, self.record)
                self._sight.renew_chain()
            case do.Clean():
                lease.drop(self.folder)
                await self.container.clean(self.record.container_id)
                self._save(cleaned=True)
            case do.NotePaid():
                self._save(paid=True)
            case do.Wait():
                return LOOK_SECONDS if self.record.exit is None or self.reports else RETRY_SECONDS
        return 0

    async def _accept(self) -> None:
        chain = self.seen.chain if self.seen is not None else None
        fault = await self._begin.accept(self.record, chain, self._at)
        if fault:
            self._refuse(fault)
            return
        self._save(accepted=True, gpus=self._around.gpus_for(self.record))
        self._at("accepted")

    async def _claim(self) -> float:
        self._at("claiming")
        self._sight.renew_chain()
        try:
            is_new = await self._begin.claim(self.record)
        except Reverted as error:
            if self.record.claimed_at:
                raise  # it was undone: what ran is not refused for that
            self._refuse(str(error))
            return 0
        self._at("starting")
        return 0 if is_new else LOOK_SECONDS

    def _refuse(self, why: str) -> None:
        log.info("run.refused", run=self.key.text, why=why)
        self._save(refused=why or "refused")
        self._at("refused")

    async def _create(self) -> None:
        try:
            container_id = await self._begin.create(self.record)
        except InvalidInput as error:
            await self._fail(str(error), Absent())
            return
        self._save(container_id=container_id, runtime=self.container.runtime)

    async def _fail(self, why: str, seen: Container | Absent) -> None:
        """Its program can never run here."""
        if self.record.claimed_at:
            self._save(exit=await self.container.note_exit(seen, why), stop_why=why)
        else:
            self._refuse(why)

    async def _start(self) -> float:
        self._at(self.phase if self.record.starts.count else "starting")
        fault = await self._begin.start(self.record, self.seen)
        if fault:
            seen = await self.container.look(self.record.container_id)
            await self._fail(f"the container did not start: {fault}", seen)
            return 0
        log.info("run.started", run=self.key.text)
        self._at("running")
        return LOOK_SECONDS

    async def _watch(self) -> float:
        self._at("running")
        self.container.follow(self.record.container_id)
        now = time.monotonic()
        if now - self._sampled >= SAMPLE_SECONDS and isinstance(self._sight.engine, Container):
            await self.container.sample(self._sight.engine)
            await self._begin.renew_lease(self.record, self.seen, self._sight.engine.pid)
            await self._begin.guard()
            self._sampled = now
        return SAMPLE_SECONDS if self._around.tells_ends() else LOOK_SECONDS

    async def _stop(self, why: str) -> None:
        self._save(stop_why=why)
        self._at("stopping")
        log.info("run.stopping", run=self.key.text, why=why)
        await self._end_program()

    async def _end_program(self) -> None:
        grace = self._around.view.parameters.settle_grace
        await self.container.stop(self.record.container_id, stop_seconds(self.record, grace))

    async def _note_exit(self, why: str) -> None:
        if self.record.container_id:
            self.container.follow(self.record.container_id)
        cut = cut_why(self.record, self.folder, why)
        told = exit_why(self.record, cut)
        ended = await self.container.note_exit(self._sight.engine or Absent(), told)
        lease.drop(self.folder)
        self._save(exit=ended, stop_why=cut)
        log.info("run.ended", run=self.key.text, code=ended.code, why=ended.why)
        self._at("completing")

    async def _collect(self) -> None:
        self._at("completing")
        cid = await collect(self._around, self.record, self.container, self.seen)
        self._save(collected=True, result_cid=cid)

    async def _vouch(self) -> None:
        if self.seen is not None:
            used = await self.container.meter.report()
            self._save(**await vouch_for(self._around, self.record, used, self.seen))

    async def _complete(self) -> None:
        self._at("completing")
        used = await totals_of(self.record, self.container.meter)
        await complete(self._around, self.record, used)
        self._sight.renew_chain()
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

    def _say(self, why: str) -> None:
        """What it is about, in a step that takes long."""
        self._why = why
        self._tell()

    def _tell(self) -> None:
        status = self.status()
        if self._told is None or news_of(self._told) != news_of(status):
            self._told = status
            self._around.changed(status)

    async def close(self) -> None:
        """Let go; the container runs on."""
        await self.container.close()
