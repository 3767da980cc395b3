"""What was seen of watched runs, as rows: from heartbeats, from probes, and when this scheduler could see at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.job import Address, JobId
from chain.wire import ProbeAnswer
from scheduler.rows import tables as t
from scheduler.rows.batch import insert_new, parts
from scheduler.sessions.witness import Beat, Probe, Sighting, see, see_answer

PAUSE_MS = 5_000  # of a copy's own clockwork, from which on it was deaf
PROBES_READ = 20
SEEN_FIELDS = tuple(field.name for field in fields(Sighting))


async def open_sighting(
    tx: AsyncConnection, job_id: JobId, attempt: int, provider: Address, now_ms: int
) -> bool:
    """Watch a run from now on; says whether that is new."""
    values = {name: getattr(Sighting(now_ms, now_ms), name) for name in SEEN_FIELDS}
    values |= {"job_id": job_id, "attempt": attempt, "provider": provider, "is_open": True}
    return await insert_new(
        tx, t.sightings, values | {"evidence": "", "evidence_until": 0, "outcome": ""}
    )


async def any_watched(tx: AsyncConnection) -> bool:
    """Whether any run is watched."""
    c = t.sightings.c
    return (await tx.execute(select(c.attempt).where(c.is_open).limit(1))).first() is not None


async def note_sightings(
    tx: AsyncConnection, beats: Sequence[Beat], now_ms: int, gap_ms: int
) -> None:
    """Take in what heartbeats say of watched runs; of other runs, nothing is kept.

    Args:
        tx: the transaction in which heartbeats are flushed.
        beats: at most one a run counts, the last.
        now_ms: when they arrived, in Unix milliseconds.
        gap_ms: the longest time between two of a run that counts as watched through.
    """
    latest = {(beat.job_id, beat.attempt): beat for beat in beats}
    changed: list[dict[str, Any]] = []
    c, lines = t.sightings.c, t.log_cursors.c
    same = and_(lines.job_id == c.job_id, lines.attempt == c.attempt, lines.provider == c.provider)
    watched = select(t.sightings, (lines.next_seq - lines.base).label("delivered_now")).outerjoin(
        t.log_cursors, same
    )
    for part in parts(sorted({job_id for job_id, _ in latest})):
        for row in await tx.execute(watched.where(c.is_open, c.job_id.in_(part))):
            beat = latest.get((row.job_id, row.attempt))
            if beat is None or beat.agent != row.provider:
                continue
            after = see(_sighting(row), beat, row.delivered_now or 0, now_ms, gap_ms)
            changed.append(_seen(after) | {"of_job": row.job_id, "of_attempt": row.attempt})
    if changed:
        mine = and_(c.job_id == bindparam("of_job"), c.attempt == bindparam("of_attempt"))
        await tx.execute(update(t.sightings).where(mine), changed)


async def take_answer(
    tx: AsyncConnection, agent: Address, answer: ProbeAnswer, now_ms: int
) -> JobId | None:
    """Keep the first answer to a probe, when it is by the agent that was asked; the job it is about."""
    c = t.probes.c
    asked = and_(c.nonce == answer.nonce, c.provider == agent, c.outcome == "open")
    told = {"outcome": "answered", "answered_ms": now_ms, "answer": answer}
    if (await tx.execute(update(t.probes).where(asked).values(told))).rowcount == 0:
        return None
    row = (await tx.execute(select(t.probes).where(c.nonce == answer.nonce))).one()
    before = await load_sighting(tx, row.job_id, row.attempt)
    if before is not None:
        after = see_answer(before, _probe(row), now_ms)
        mine = of_run(row.job_id, row.attempt)
        await tx.execute(update(t.sightings).where(mine).values(_seen(after)))
    return JobId(row.job_id)


async def load_sighting(tx: AsyncConnection, job_id: JobId, attempt: int) -> Sighting | None:
    """What was seen of a run; None when it is not watched."""
    row = (await tx.execute(select(t.sightings).where(of_run(job_id, attempt)))).first()
    return None if row is None else _sighting(row)


async def load_probes(tx: AsyncConnection, job_id: JobId, attempt: int) -> list[Probe]:
    """A run's last probes, oldest first."""
    c = t.probes.c
    newest = select(t.probes).where(c.job_id == job_id, c.attempt == attempt)
    rows = (await tx.execute(newest.order_by(c.sent_ms.desc()).limit(PROBES_READ))).all()
    return [_probe(row) for row in reversed(rows)]


async def keep_probe(
    tx: AsyncConnection, run: tuple[JobId, int, Address], probe: Probe, keep_ms: int
) -> None:
    """Write a probe down before it is asked; those of the run that are older than `keep_ms` go."""
    c = t.probes.c
    job_id, attempt, provider = run
    values: dict[str, Any] = {"job_id": job_id, "attempt": attempt, "provider": provider}
    values |= {"nonce": probe.nonce, "sent_ms": probe.sent_ms, "reported": probe.reported}
    await insert_new(tx, t.probes, values | {"outcome": "open"})
    old = and_(c.job_id == job_id, c.attempt == attempt, c.sent_ms < probe.sent_ms - keep_ms)
    await tx.execute(delete(t.probes).where(old))


async def end_probe(tx: AsyncConnection, nonce: str, outcome: str) -> bool:
    """Note that a probe got no answer, unless one came after all; says whether it was noted."""
    c = t.probes.c
    still = and_(c.nonce == nonce, c.outcome == "open")
    done = await tx.execute(update(t.probes).where(still).values(outcome=outcome))
    return done.rowcount > 0


async def forget_final(tx: AsyncConnection, final_before: int, old_ms: int) -> None:
    """Close what can no longer be disputed, and forget what was kept for that alone.

    Args:
        tx: a transaction that writes.
        final_before: chain time; what was last reported before it is final.
        old_ms: Unix milliseconds; spans of listening that ended before go.
    """
    s, r, p = t.sightings.c, t.runs.c, t.probes.c
    mine = and_(r.job_id == s.job_id, r.attempt == s.attempt)
    final = select(r.job_id).where(mine, r.settled, r.reported_at < final_before)
    closing = and_(s.is_open, final.where(or_(s.evidence == "", r.dispute_id.is_(None))).exists())
    closed = await tx.execute(update(t.sightings).where(closing).values(is_open=False))
    if closed.rowcount:
        done = select(s.job_id).where(s.job_id == p.job_id, s.attempt == p.attempt)
        done = done.where(s.is_open.is_(False), s.outcome == "")
        await tx.execute(delete(t.probes).where(done.exists()))
    await tx.execute(delete(t.listening).where(t.listening.c.to_ms < old_ms))


# ---- when this scheduler could see ---------------------------------------------------------------------------------


async def note_listening(tx: AsyncConnection, copy: str, now_ms: int) -> None:
    """This copy is up, has read the chain to its end, and hears agents; called every second or so."""
    c = t.listening.c
    going_on = and_(c.copy == copy, c.to_ms >= now_ms - PAUSE_MS, c.to_ms <= now_ms)
    done = await tx.execute(update(t.listening).where(going_on).values(to_ms=now_ms))
    if done.rowcount == 0:
        span = {"copy": copy, "from_ms": now_ms, "to_ms": now_ms}
        await insert_new(tx, t.listening, span)


async def listened_ms(tx: AsyncConnection, from_ms: int, to_ms: int) -> int:
    """For how long some copy was listening within a span."""
    c = t.listening.c
    within = select(t.listening).where(c.to_ms > from_ms, c.from_ms < to_ms).order_by(c.from_ms)
    heard, until = 0, from_ms
    for row in await tx.execute(within):
        begin, end = max(row.from_ms, until), min(row.to_ms, to_ms)
        heard += max(0, end - begin)
        until = max(until, end)
    return heard


def of_run(job_id: str, attempt: int) -> ColumnElement[bool]:
    """Of `sightings` rows: the one of this run."""
    return and_(t.sightings.c.job_id == job_id, t.sightings.c.attempt == attempt)


def _sighting(row: Any) -> Sighting:
    return Sighting(**{name: getattr(row, name) for name in SEEN_FIELDS})


def _seen(sighting: Sighting) -> dict[str, Any]:
    return {name: getattr(sighting, name) for name in SEEN_FIELDS}


def _probe(row: Any) -> Probe:
    names = ("nonce", "sent_ms", "reported", "outcome", "answered_ms", "answer")
    return Probe(**{name: getattr(row, name) for name in names})
