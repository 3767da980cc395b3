"""What this scheduler keeps on its IPFS node, and what asks for it: bundles, results, usage ledgers and evidence of its
jobs, until some time after each is closed. A row comes before its pin and goes after it, so a crash forgets neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    String,
    Table,
    and_,
    delete,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.job import Address, Cid, JobId
from scheduler.rows import tables as t
from scheduler.rows.batch import insert_new, parts
from scheduler.rows.columns import Words
from scheduler.rows.evidence import IS_EVIDENCE, cid_named_in
from scheduler.rows.states import Standing

pins = Table(
    "pins",
    t.metadata,
    Column("cid", Words, primary_key=True),
    Column("name", Words, nullable=False),  # what it is, and of which job
    Column(
        "since", BigInteger, nullable=False
    ),  # chain second at which it came, or was last needed
    Column("pinned", Boolean, nullable=False),  # it is on our node
    Column("ours", Boolean, nullable=False),  # by our doing: what was pinned before stays
    Column("due_ms", BigInteger, nullable=False),  # not tried before; Unix milliseconds
    Column("tries", BigInteger, nullable=False),
    Column("remote", String(200), nullable=False),  # the request at a pinning service; "" for none
)
LIVE = (Standing.OPEN, Standing.RUNNING, Standing.ENDED, Standing.DISPUTED)
OVER = (Standing.PARTED, Standing.CLOSED)
RETRY_MS, MOST_MS = 30_000, 3_600_000
RENEW_S = 60
LETTING_GO = 2**62  # `due_ms` of what is about to be unpinned


@dataclass(frozen=True, slots=True)
class Pin:
    """One row."""

    cid: Cid
    name: str
    since: int
    pinned: bool
    ours: bool
    tries: int
    remote: str


@dataclass(frozen=True, slots=True)
class Keeper:
    """Whose jobs are kept for, and how long, in chain seconds.

    Args:
        since: content is let go whose job was closed before this.
        heard_since: evidence that was brought before this is of a case whose time is over.
    """

    scheduler: Address
    since: int
    heard_since: int


def _wanted_by(keeper: Keeper) -> ColumnElement[bool]:
    j = t.jobs.c
    lately = and_(j.standing.in_(OVER), j.deadline >= keeper.since)
    return and_(j.scheduler == keeper.scheduler, or_(j.standing.in_(LIVE), lately))


async def needed(tx: AsyncConnection, keeper: Keeper) -> dict[Cid, str]:
    """Everything that jobs need which live, or closed not long ago: its CID, and what it is."""
    j, r, s, u = t.jobs.c, t.runs.c, t.sightings.c, t.run_status.c
    wanted = _wanted_by(keeper)
    found: dict[Cid, str] = {}
    for row in (await tx.execute(select(j.job_id, j.cid).where(wanted))).all():
        found[Cid(row.cid)] = f"bundle of {row.job_id}"
    results = select(r.job_id, r.result_cid).join(t.jobs, j.job_id == r.job_id)
    for row in (await tx.execute(results.where(wanted, r.result_cid.is_not(None)))).all():
        found.setdefault(Cid(row.result_cid), f"results of {row.job_id}")
    papers = select(s.job_id, s.evidence).join(t.jobs, j.job_id == s.job_id)
    for row in (await tx.execute(papers.where(wanted, s.evidence != ""))).all():
        found.setdefault(Cid(row.evidence.removeprefix("/ipfs/")), f"evidence about {row.job_id}")
    ledgers = select(u.job_id, u.status).join(t.jobs, j.job_id == u.job_id)
    for row in (await tx.execute(ledgers.where(wanted))).all():
        if row.status.evidence:
            found.setdefault(Cid(row.status.evidence), f"ledger of {row.job_id}")
    for cid, job_id in (await _brought(tx, keeper)).items():
        found.setdefault(cid, f"evidence about {job_id}")
    return found


async def _brought(tx: AsyncConnection, keeper: Keeper) -> dict[Cid, JobId]:
    """What parties have brought before a court by way of this scheduler, for as long as jurors may read it: of an
    earlier run, too, of a job that is over. What was not put here is nobody's to have fetched by naming it."""
    j, e = t.jobs.c, t.events.c
    is_heard = and_(j.scheduler == keeper.scheduler, e.at >= keeper.heard_since)
    query = select(e.job_id, e.data).join(t.jobs, j.job_id == e.job_id)
    told = (await tx.execute(query.where(IS_EVIDENCE, or_(_wanted_by(keeper), is_heard)))).all()
    named = {Cid(cid_named_in(row.data)): JobId(row.job_id) for row in told}
    here = set((await tx.execute(select(pins.c.cid))).scalars()) if named else set()
    return {cid: job_id for cid, job_id in named.items() if cid in here}


async def all_pins(tx: AsyncConnection) -> dict[Cid, Pin]:
    """Every row."""
    c = pins.c
    rows = await tx.execute(select(c.cid, c.name, c.since, c.pinned, c.ours, c.tries, c.remote))
    return {Cid(row.cid): Pin(*row) for row in rows}


async def due(tx: AsyncConnection, now_ms: int) -> set[Cid]:
    """What is to be pinned and may be tried now."""
    c = pins.c
    rows = await tx.execute(select(c.cid).where(c.pinned.is_(False), c.due_ms <= now_ms))
    return {Cid(cid) for cid in rows.scalars()}


async def note(tx: AsyncConnection, wanted: Mapping[Cid, str], now: int) -> None:
    """Rows for what is to be pinned, where there are none yet; what was about to go stays. A job may be closed long
    after its run has ended, by a ruling: so what is needed is marked as such now and then."""
    c = pins.c
    rows = await tx.execute(select(c.cid, c.due_ms, c.since))
    there, late = dict[Cid, int](), list[Cid]()
    for row in rows:
        there[Cid(row.cid)] = row.due_ms
        if row.since < now - RENEW_S and row.cid in wanted:
            late.append(Cid(row.cid))
    for part in parts(sorted(late)):
        await tx.execute(update(pins).where(c.cid.in_(part)).values(since=now))
    for cid in sorted(wanted):
        if cid not in there:
            unseen = _row(cid, wanted[cid], now, pinned=False) | {"ours": False}
            await insert_new(tx, pins, unseen)
        elif there[cid] == LETTING_GO:
            await tx.execute(update(pins).where(c.cid == cid).values(due_ms=0))


async def uploaded(tx: AsyncConnection, cid: Cid, job_id: JobId, now: int) -> None:
    """A bundle has come, and is pinned: kept until a job needs it, or for as long as after one."""
    if not await insert_new(tx, pins, _row(cid, f"bundle of {job_id}", now, pinned=True)):
        values = {"since": now, "pinned": True, "due_ms": 0}
        await tx.execute(update(pins).where(pins.c.cid == cid).values(values))


def _row(cid: Cid, name: str, now: int, *, pinned: bool) -> dict[str, object]:
    row = {"cid": cid, "name": name, "since": now, "pinned": pinned, "ours": True}
    return row | {"due_ms": 0, "tries": 0, "remote": ""}


async def will_be_ours(tx: AsyncConnection, cid: Cid) -> None:
    """It was not pinned before, so that its pin will be our doing."""
    await tx.execute(update(pins).where(pins.c.cid == cid).values(ours=True))


async def is_pinned(tx: AsyncConnection, cid: Cid) -> None:
    """It is on our node."""
    await tx.execute(update(pins).where(pins.c.cid == cid).values(pinned=True))


async def postpone(tx: AsyncConnection, pin: Pin, now_ms: int) -> None:
    """It could not be pinned: again later, and ever later."""
    wait_ms = min(MOST_MS, RETRY_MS * 2 ** min(pin.tries, 10))
    values = {"due_ms": now_ms + wait_ms, "tries": pin.tries + 1}
    await tx.execute(update(pins).where(pins.c.cid == pin.cid).values(values))


async def is_remote(tx: AsyncConnection, cid: Cid, request: str) -> None:
    """A pinning service has been asked to keep it, or "" no longer."""
    await tx.execute(update(pins).where(pins.c.cid == cid).values(remote=request))


async def let_go(tx: AsyncConnection, keeper: Keeper, most: int) -> list[Pin]:
    """Mark what no job needs any more; these pins may go. Each is then to be told as `gone`."""
    kept = await needed(tx, keeper)
    found = [
        pin
        for cid, pin in (await all_pins(tx)).items()
        if cid not in kept and pin.since < keeper.since
    ]
    for pin in found[:most]:
        mine = update(pins).where(pins.c.cid == pin.cid)
        await tx.execute(mine.values(pinned=False, due_ms=LETTING_GO))
    return found[:most]


async def gone(tx: AsyncConnection, cid: Cid) -> None:
    """Its pin is gone, here and elsewhere. Somebody who has asked for it meanwhile gets it pinned again."""
    c = pins.c
    mine = and_(c.cid == cid, c.pinned.is_(False), c.due_ms == LETTING_GO)
    if not (await tx.execute(delete(pins).where(mine))).rowcount:
        await tx.execute(update(pins).where(c.cid == cid).values(pinned=False, due_ms=0, remote=""))
