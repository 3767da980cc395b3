"""The watchtower: for jobs that name this scheduler as watcher, reports that do not fit are taken to court."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

import structlog
from eth_account.signers.local import LocalAccount
from sqlalchemy import and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.clock import ChainClock, unix_ms
from chain.errors import Conflict, Unavailable
from chain.escrow import Escrow
from chain.ipfs import add_bytes
from chain.job import Address, Parameters, Run, RunState, final_earned
from chain.messages import Domain
from chain.rpc import request
from chain.token import Token
from scheduler.decide.reconcile import Dispute, Suspicion
from scheduler.index.fold_provider import EVEN
from scheduler.key import Elsewhere, Key
from scheduler.rows import tables as t
from scheduler.rows.batch import NO_ANSWER
from scheduler.rows.database import Store
from scheduler.rows.facts import JobFacts, RunFacts
from scheduler.rows.store import rates_of
from scheduler.sessions.sightings import (
    listened_ms,
    load_probes,
    load_sighting,
    of_run,
    open_sighting,
)
from scheduler.sessions.witness import Probe, Sighting
from scheduler.watch.evidence import Case, ReportEvent, make_evidence
from scheduler.watch.judge import Bill, Verdict, WatchRules, judge
from scheduler.watch.outvoted import document_against, outvoted, place_of

log = structlog.get_logger()
LOOK_S = 15  # for what time alone brings: silence, withheld lines
CASES_S = 5.0  # between two looks at what was ruled
REPORTS_NAMED = 20


@dataclass(frozen=True, slots=True)
class Purse:
    """What a dispute is paid from, and with."""

    account: LocalAccount
    escrow: Escrow
    token: Token
    key: Key

    @property
    def address(self) -> Address:
        """The watcher's."""
        return Address(self.account.address)


@dataclass(frozen=True, slots=True)
class _Look:
    """What is known of one run at one moment."""

    bill: Bill
    seen: Sighting
    probes: list[Probe]
    verdict: Verdict


class Watchtower:
    """Holds reports against sightings, and files disputes."""

    def __init__(
        self,
        store: Store,
        clock: ChainClock,
        purse: Purse,
        domain: Domain,
        ipfs_api: str,
        escrow_rules: Parameters,
        rules: WatchRules,
    ) -> None:
        self._store = store
        self._clock = clock
        self._purse = purse
        self._domain = domain
        self._ipfs_api = ipfs_api
        self._escrow_rules = escrow_rules
        self._rules = rules
        self._paying = asyncio.Lock()  # one allowance at a time

    # ---- seeing -----------------------------------------------------------------------------------------------------

    def watches(self, job: JobFacts) -> bool:
        """Whether this scheduler is the job's watcher."""
        return job.terms.watcher == self._purse.address

    async def look(self, job: JobFacts) -> tuple[Suspicion | None, int | None]:
        """What is wrong with a watched job's reports, and the chain time at which to look again."""
        if not self.watches(job):
            return None, None
        await self._open(job)
        again: int | None = None
        for run in reversed(job.runs):
            until = self._final_at(run)
            if run.dispute_id is not None or (run.settled and self._clock.now() >= until):
                continue
            again = self._clock.now() + LOOK_S
            look = await self._look(job, run)
            if look is not None:
                why = "; ".join(look.verdict.reasons)
                return Suspicion(run.attempt, run.provider, why, until), again
            if why := await self._outvoted(job, run):
                return Suspicion(run.attempt, run.provider, why, until), again
        return None, again

    async def _outvoted(self, job: JobFacts, run: RunFacts) -> str:
        """Why the result of this run is worth a dispute; "" when it is not."""
        if place_of(job) is None:
            return ""
        async with self._store.read() as tx:
            found = await outvoted(tx, self._domain, job, run)
            frozen = run.earned - await self._final(tx, job, run, self._clock.now())
        worth = found is not None and frozen > 0 and frozen >= self._rules.least
        return f"it gave another result: {found[1].why}" if found and worth else ""

    async def _open(self, job: JobFacts) -> None:
        run = job.current
        if run is None or run.settled:
            return
        async with self._store.read() as tx:
            if await load_sighting(tx, job.job_id, run.attempt) is not None:
                return
        async with self._store.write() as tx:
            await open_sighting(tx, job.job_id, run.attempt, run.provider, unix_ms())

    def _final_at(self, run: RunFacts) -> int:
        """Chain time at which all that a run has reported is final."""
        window = self._escrow_rules.window
        return (run.reported_at // window + 2) * window

    async def _look(self, job: JobFacts, run: RunFacts) -> _Look | None:
        now, now_ms = self._clock.now(), unix_ms()
        async with self._store.read() as tx:
            seen = await load_sighting(tx, job.job_id, run.attempt)
            rates = await rates_of(tx, run.provider, run.rate_card)
            if seen is None or rates is None:
                return None
            probes = await load_probes(tx, job.job_id, run.attempt)
            reported_ms = now_ms - 1000 * (now - run.reported_at)
            bill = Bill(
                usage=run.usage,
                at_ms=reported_ms,
                resources=job.terms.resources,
                rates=rates,
                frozen=run.earned - await self._final(tx, job, run, now),
                silent_ms=await listened_ms(tx, seen.last_ms, min(now_ms, reported_ms)),
                ledger_faults=seen.published.faults if seen.published else (),
            )
        verdict = judge(bill, seen, probes, self._rules, now_ms)
        return None if verdict is None else _Look(bill, seen, probes, verdict)

    async def _final(self, tx: AsyncConnection, job: JobFacts, run: RunFacts, now: int) -> int:
        """What of a run's earnings can no longer be disputed, in base units."""
        window = self._escrow_rules.window
        e = t.events.c
        earlier = and_(e.at < run.reported_at // window * window, e.at >= run.started_at)
        newest = (
            select(e.data)
            .where(e.job_id == job.job_id, e.name == "UsageReported", earlier)
            .order_by(e.block_number.desc(), e.log_index.desc())
        )
        told = (await tx.execute(newest.limit(1))).scalar()
        previous = int(json.loads(told)["earned"]) if told is not None else run.released
        as_stored = Run(run.earned, previous, run.released, run.reported_at, RunState.LIVE)
        return final_earned(as_stored, window, now)

    # ---- going to court ----------------------------------------------------------------------------------------------

    async def dispute(self, job: JobFacts, step: Dispute) -> None:
        """File the dispute: evidence written down, put on IPFS, bond and fee paid. Safe to repeat.

        Raises:
            Conflict: there is nothing to dispute any more.
            Unavailable: no IPFS node or chain answers, or the watcher cannot pay.
        """
        escrow, me = self._purse.escrow, self._purse.address
        run = await escrow.run(job.job_id, step.attempt, step.provider)
        if run.state in (RunState.FROZEN, RunState.RULED):
            return
        if run.earned == final_earned(run, self._escrow_rules.window, self._clock.now()):
            raise Conflict("All that was reported is final by now.", "")
        document = await self._evidence(job, step)
        cid = await add_bytes(self._ipfs_api, document.encode())
        fee = await escrow.dispute_fee()
        call = escrow.dispute(job.terms, step.attempt, step.provider, f"/ipfs/{cid}", fee)
        async with self._paying:
            await self._ready(fee)
            await self._purse.key.send(call, f"{job.job_id}/{step.attempt}/dispute")
        log.info("watch.disputed", job=job.job_id, attempt=step.attempt, evidence=cid, watcher=me)

    async def _evidence(self, job: JobFacts, step: Dispute) -> str:
        """The document, written down before it is used: the same one after a crash."""
        mine = of_run(job.job_id, step.attempt)
        async with self._store.read() as tx:
            row = (await tx.execute(select(t.sightings).where(mine))).first()
        if row is not None and row.evidence and self._clock.now() < row.evidence_until:
            return str(row.evidence)
        run = job.run(step.attempt)
        if run is None:
            raise Conflict("The suspicion does not hold any more.", "")
        document = await self._document(job, run)
        async with self._store.write() as tx:
            values = {"evidence": document, "evidence_until": self._final_at(run)}
            await tx.execute(update(t.sightings).where(mine).values(values))
        return document

    async def _document(self, job: JobFacts, run: RunFacts) -> str:
        look = await self._look(job, run)
        if look is None:
            async with self._store.read() as tx:
                return await document_against(tx, self._purse.account, self._domain, job, run)
        reports = await self._reports(job, run)
        ledger = look.seen.published.cid if look.seen.published else ""
        seen, probes = look.seen, look.probes
        case = Case(self._domain, job, run, look.bill, reports, seen, probes, look.verdict, ledger)
        return make_evidence(self._purse.account, case)

    async def _reports(self, job: JobFacts, run: RunFacts) -> list[ReportEvent]:
        """Where the last reports of a run stand on the chain, oldest first."""
        e = t.events.c
        newest = (
            select(t.events)
            .where(e.job_id == job.job_id, e.name == "UsageReported", e.at >= run.started_at)
            .where(e.at <= run.reported_at)
            .order_by(e.block_number.desc(), e.log_index.desc())
        )
        async with self._store.read() as tx:
            rows = (await tx.execute(newest.limit(REPORTS_NAMED))).all()
        return [ReportEvent(row.tx_hash, row.block_number, row.at) for row in reversed(rows)]

    async def _ready(self, fee: int) -> None:
        """The bond held and allowed, and the fee at hand."""
        purse, bond = self._purse, self._escrow_rules.dispute_bond
        escrow, me = purse.escrow.address, purse.address
        held = await purse.token.balance_of(me)
        coins = int(await request(purse.token.w3, "eth_getBalance", me, "latest"), 16)
        if held < bond or coins <= fee:
            raise Unavailable(
                f"A dispute is due, but the watcher {me} has {held} of the {bond} base units of its bond, and {coins} "
                f"wei for a fee of {fee} and gas.",
                "Send it what is missing.",
            )
        if await purse.token.allowance(me, escrow) < bond:
            await purse.key.send(purse.token.approve(escrow, bond), "")

    # ---- afterwards --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """See to what was ruled, until cancelled."""
        while True:
            try:
                await self.close_cases()
            except Elsewhere:
                pass  # whoever holds the key sees to it
            except NO_ANSWER as error:
                log.warning("watch.postponed", error=str(error))
            await asyncio.sleep(CASES_S)

    async def close_cases(self) -> None:
        """Note how disputes were ruled, and fetch what came back of their bonds. Safe to repeat.

        Raises:
            Unavailable: the chain does not answer.
        """
        s, e = t.sightings.c, t.events.c
        ruling = and_(e.job_id == s.job_id, e.name == "DisputeRuled")
        query = select(s.job_id, s.attempt, e.data).join(t.events, ruling)
        async with self._store.read() as tx:
            rows = (await tx.execute(query.where(s.is_open, s.evidence != ""))).all()
        for row in rows:
            told = json.loads(row.data)
            if int(told["attempt"]) != row.attempt:
                continue
            outcome = _outcome(int(told["share"]))
            if await self._purse.escrow.credit(self._purse.address) > 0:
                await self._purse.key.send(self._purse.escrow.withdraw(), "")
            async with self._store.write() as tx:
                values = {"outcome": outcome, "is_open": False}
                mine = of_run(row.job_id, row.attempt)
                await tx.execute(update(t.sightings).where(mine).values(values))
            log.info("watch.ruled", job=row.job_id, attempt=row.attempt, outcome=outcome)


def _outcome(share: int) -> str:
    """For the watcher, of a share of 10,000 to the provider."""
    return "won" if share < EVEN else "lost" if share > EVEN else "split"
