"""What the chain and the rows name of IPFS: bundles, results, usage ledgers, evidence. Anything else is nobody's to
ask for here."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Index, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.job import Cid
from scheduler.rows import tables as t
from scheduler.rows.evidence import IS_EVIDENCE, cid_named_in
from scheduler.rows.pins import pins

KEY = 128  # characters of a CID by which it is found: a stranger may have written any text
_RESULT: ColumnElement[str] = func.substr(
    t.runs.c.result_cid, literal_column("1"), literal_column(str(KEY))
)
_HAS_RESULT = t.runs.c.result_cid.is_not(None)
Index("runs_by_result", _RESULT, sqlite_where=_HAS_RESULT, postgresql_where=_HAS_RESULT)


async def is_named(tx: AsyncConnection, cid: Cid) -> bool:
    """Whether a job, a run or a dispute that is known here names this."""
    j, c = t.jobs.c, pins.c
    queries = (
        select(j.job_id).where(j.cid == cid),
        select(t.runs.c.job_id).where(_HAS_RESULT, _RESULT.in_([cid])),
        select(c.cid).where(c.cid == cid, or_(*map(c.name.startswith, ("ledger", "evidence")))),
    )
    for query in queries:
        if (await tx.execute(query.limit(1))).first() is not None:
            return True
    return await _is_evidence(tx, cid)


async def _is_evidence(tx: AsyncConnection, cid: Cid) -> bool:
    """Whether somebody has named it in a dispute; a CID is all letters and digits."""
    e = t.events.c
    told = select(e.data).where(IS_EVIDENCE, e.data.contains(f"/ipfs/{cid}", autoescape=True))
    return any(cid_named_in(data) == cid for data in (await tx.execute(told)).scalars())
