"""The ledgers that agents of watched runs have published, fetched and checked: what a bill rests on.

A ledger that nobody has, or that does not come, proves nothing. One that is not its agent's word, does not add up,
leaves out what its agent signed earlier, or bears less than was billed, does.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import structlog
from sqlalchemy import and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.errors import DraasError, InvalidInput, NotFound, Unavailable
from chain.evidence import statement_of
from chain.ipfs import fetch_bytes
from chain.job import Address, Cid, JobId, Usage
from chain.ledger_check import MAX_BYTES, Finding, check_ledger
from chain.messages import Domain, UsageStatement
from chain.wire import RunStatus
from scheduler.rows import tables as t
from scheduler.rows.batch import NO_ANSWER
from scheduler.rows.database import Store
from scheduler.rows.leases import wake
from scheduler.sessions.sightings import load_probes, of_run
from scheduler.signals import Signals

log = structlog.get_logger()
LOOK_S = 2.0
AGAIN_S = 30.0  # between two ledgers of a run, and after one that did not come
FETCH_S = 20.0
AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Published:
    """A watched run, and the ledger that its agent published."""

    job_id: JobId
    attempt: int
    provider: Address
    cid: Cid
    billed: Usage | None  # None while the run may still be billed for more

    @property
    def run(self) -> tuple[JobId, int]:
        """Which run."""
        return self.job_id, self.attempt


class Ledgers:
    """Reads ledgers, one after another.

    Args:
        domain: where the agents' signatures hold.
    """

    def __init__(self, store: Store, signals: Signals, domain: Domain, ipfs_api: str) -> None:
        self._store = store
        self._signals = signals
        self._domain = domain
        self._ipfs_api = ipfs_api
        self._later: dict[tuple[JobId, int], float] = {}  # runs → when to look at them again

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            try:
                await self.read()
            except NO_ANSWER as error:
                log.warning("ledgers.postponed", error=str(error)[:300])
            await asyncio.sleep(LOOK_S)

    async def read(self) -> None:
        """Read those that were told of and are not read yet."""
        async with self._store.read() as tx:
            told = await published(tx)
        named, now = {one.run for one in told}, time.monotonic()
        self._later = {run: at for run, at in self._later.items() if at > now or run in named}
        at = {run: self._later.get(run, 0.0) for run in named}  # 0: not tried yet, so first
        due = sorted((one for one in told if at[one.run] <= now), key=lambda one: at[one.run])
        for one in due[:AT_ONCE]:
            self._later[one.run] = time.monotonic() + AGAIN_S
            await self._read(one)

    async def _read(self, one: Published) -> None:
        try:
            data = await fetch_bytes(
                self._ipfs_api, one.cid, max_bytes=MAX_BYTES, deadline_s=FETCH_S
            )
        except (NotFound, Unavailable) as error:
            log.info("ledger.absent", job=one.job_id, cid=one.cid, error=str(error)[:200])
            return
        except InvalidInput as error:
            faults = [f"{one.cid} is no ledger: {error.message[:200]}"]
        except DraasError as error:  # it is too large to be read here
            log.warning("ledger.unread", job=one.job_id, cid=one.cid, error=str(error)[:200])
            faults = []
        else:
            statements = await self._statements(one)
            faults = await asyncio.to_thread(find_faults, data, self._domain, one, statements)
        finding = Finding(one.cid, tuple(faults), one.billed is not None)
        async with self._store.write() as tx:
            mine = of_run(one.job_id, one.attempt)
            await tx.execute(update(t.sightings).where(mine).values(published=finding))
            await wake(tx, [one.job_id])
        self._signals.notify("work")
        log.info("ledger.read", job=one.job_id, attempt=one.attempt, cid=one.cid, faults=faults)

    async def _statements(self, one: Published) -> list[UsageStatement]:
        """What its agent has signed in answer to probes."""
        async with self._store.read() as tx:
            probes = await load_probes(tx, one.job_id, one.attempt)
        return [
            statement_of(one.job_id, one.attempt, probe.nonce, probe.signed)
            for probe in probes
            if probe.signed is not None
        ]


def find_faults(
    data: bytes, domain: Domain, one: Published, statements: list[UsageStatement]
) -> list[str]:
    """What is wrong with a ledger, as the one of this run. Pure."""
    checked = check_ledger(data)
    run = checked.run
    if run is None:
        return list(checked.faults)
    named = (run.chain_id, run.escrow.lower(), run.job_id, run.attempt, run.agent.lower())
    wanted = (
        domain.chain_id, domain.escrow.lower(), one.job_id, one.attempt, one.provider.lower()
    )  # fmt: skip
    if named != wanted:
        return [f"it is the ledger of run {run.attempt} of {run.job_id} by {run.agent}"]
    return [*checked.faults, *checked.against(statements, one.billed)]


async def published(tx: AsyncConnection) -> list[Published]:
    """Watched runs with a ledger that was told of and is not read yet. One that was read before its run's bill was
    known in whole is read again, unless there is a dispute already: there is one a run.
    """
    s, r, told = t.sightings.c, t.runs.c, t.run_status.c
    same = and_(r.job_id == s.job_id, r.attempt == s.attempt, r.provider == s.provider)
    mine = and_(told.job_id == s.job_id, told.attempt == s.attempt)
    query = select(
        s.job_id, s.attempt, s.provider, s.published, r.usage, r.settled, r.dispute_id, told.status
    )
    query = query.select_from(t.sightings).join(t.runs, same).join(t.run_status, mine)
    found = []
    for row in await tx.execute(query.where(s.is_open)):
        status: RunStatus = row.status
        read: Finding | None = row.published
        known = read is not None and read.cid == status.evidence
        whole = read is not None and (read.of_bill or not row.settled or row.dispute_id is not None)
        if not status.evidence or (known and whole):
            continue
        billed = row.usage if row.settled else None
        place = (JobId(row.job_id), row.attempt, Address(row.provider))
        found.append(Published(*place, Cid(status.evidence), billed))
    return found
