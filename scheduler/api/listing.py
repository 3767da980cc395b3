"""Pages of deployments, newest first: filters are in SQL, so a page is full whenever more exist."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, Row, Select, Text, select, tuple_, type_coerce, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.api import DeploymentPage, DeploymentSummary, Ending, GroupBody, Phase, State
from chain.errors import InvalidInput
from chain.group import GroupId, member_of, salts_of
from chain.job import Address, JobState
from chain.wire import RunStatus
from scheduler.rows import tables as t
from scheduler.rows.database import Store
from scheduler.rows.phases import (
    DISPUTING,
    Ended,
    in_phase,
    noted_of,
    phase_of,
    states_of,
    why_of,
)
from scheduler.rows.states import STATE_NAMES, Moment, parts_of, state_of_row

_CURSOR = re.compile(r"([0-9]{1,18})-([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which deployments; all that is set must hold."""

    consumer: Address | None = None
    provider: Address | None = None  # of any of its runs
    cid: str | None = None
    state: State | None = None
    phase: Phase | None = None
    group: GroupId | None = None


async def list_deployments(
    store: Store, at: Moment, wanted: Filter, limit: int, cursor: str | None
) -> DeploymentPage:
    """One page.

    Raises:
        InvalidInput: the cursor is not one of ours.
    """
    states = _states(wanted)
    if states == set():
        return DeploymentPage(items=[], next=None)
    conditions = _conditions(wanted)
    if cursor is not None:
        conditions.append(tuple_(*_NEWEST) < tuple_(*_place(cursor)))
    async with store.read() as tx:
        rows = (await tx.execute(_page(states, at, conditions, limit + 1))).all()
        page = rows[:limit]
        items = await summaries(tx, page, at)
    last = page[-1] if len(rows) > limit else None
    return DeploymentPage(
        items=items, next=f"{last.posted_block}-{last.posted_index}" if last is not None else None
    )


_NEWEST = (t.jobs.c.posted_block, t.jobs.c.posted_index)
SHOWN = [
    t.jobs.c[name]
    for name in (
        "job_id", "consumer", "cid", "posted_at", "posted_block", "posted_index", "claim_by", "deposited",
        "deposit", "refunded", "deadline", "attempt", "state", "settled", "ended_why", "alarm", "member",
    )
]  # fmt: skip


def _place(cursor: str) -> tuple[int, int]:
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise InvalidInput("That is not a cursor of ours.", "Give back `next` of the page before.")
    return int(match[1]), int(match[2])


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    c, found = t.jobs.c, []
    if wanted.consumer is not None:
        found.append(c.consumer == wanted.consumer)
    if wanted.cid is not None:
        found.append(c.cid == wanted.cid)
    if wanted.group is not None:
        found.append(c.member.between(*salts_of(wanted.group)))
    if wanted.provider is not None:
        theirs = select(t.runs.c.job_id).where(t.runs.c.provider == wanted.provider)
        found.append(c.job_id.in_(theirs))
    if wanted.phase is not None:
        found.extend(in_phase(wanted.phase))
    return found


def _states(wanted: Filter) -> set[State] | None:
    """In which states they can be; None for all."""
    named = {wanted.state} if wanted.state else None
    if wanted.phase is None:
        return named
    possible = states_of(wanted.phase)
    return possible if named is None else possible & named


def _page(
    states: set[State] | None, at: Moment, conditions: Sequence[ColumnElement[bool]], limit: int
) -> Select[Any]:
    """The newest rows that fit: of each part of a state as many as a page holds, then the newest of these."""
    if states is None:
        newest = [column.desc() for column in _NEWEST]
        return select(*SHOWN).where(*conditions).order_by(*newest).limit(limit)
    parts = []
    for part in (part for state in sorted(states) for part in parts_of(state, at)):
        where, order = part.newest_first()
        found = select(*SHOWN).where(where, *conditions).order_by(*order).limit(limit)
        parts.append(found.subquery())
    both = union_all(*(part.select() for part in parts)).subquery()
    return (
        select(both).order_by(both.c.posted_block.desc(), both.c.posted_index.desc()).limit(limit)
    )


async def summaries(
    tx: AsyncConnection, jobs: Sequence[Row[Any]], at: Moment
) -> list[DeploymentSummary]:
    """Rows of `jobs` as lines of a list: a fixed number of queries, each for these jobs only."""
    ids = [job.job_id for job in jobs]
    work = {
        row.job_id: row for row in await tx.execute(select(t.work).where(t.work.c.job_id.in_(ids)))
    }
    told = await manifests(tx, {job.cid for job in jobs})
    runs = await _runs(tx, ids)
    endings = await _endings(tx, ids)
    statuses = await _statuses(tx, jobs)
    return [
        _summary(
            job,
            at,
            work.get(job.job_id),
            statuses.get(job.job_id),
            runs.get(job.job_id, []),
            told.get(job.cid, {}),
            endings.get(job.job_id, []),
        )
        for job in jobs
    ]


def _summary(
    job: Row[Any],
    at: Moment,
    work: Row[Any] | None,
    status: RunStatus | None,
    runs: Sequence[Any],
    manifest: dict[str, Any],
    endings: list[Ending],
) -> DeploymentSummary:
    state = state_of_row(job, at)
    newest = runs[-1] if runs else None
    current = next((run for run in runs if run.attempt == job.attempt), None)
    ended = Ended(
        alarm=job.alarm,
        ended_why=job.ended_why,
        claimed=current is not None,
        exit_code=current.exit_code if current else None,
        unspent=job.deposit - (current.earned if current and not job.settled else 0),
        refunded=job.refunded,
    )
    phase = work.phase if work else ""
    noted = noted_of(state, phase, work.why, work.degraded) if work else ""
    return DeploymentSummary(
        job_id=job.job_id,
        name=manifest.get("name", ""),
        consumer=job.consumer,
        cid=job.cid,
        state=STATE_NAMES[state],
        phase=phase_of(state, phase, status),
        why=why_of(ended, state, noted, status, disputing=phase == DISPUTING),
        since=work.since if work else job.posted_at,
        deposit=str(job.deposited),
        refunded=str(job.refunded),
        earned=str(sum(run.earned for run in runs)),
        posted_at=job.posted_at,
        claim_by=job.claim_by,
        ends_by=None if job.state is JobState.OPEN else job.deadline,
        attempts=len(runs),
        provider=newest.provider if newest else None,
        exit_code=newest.exit_code if newest else None,
        endings=endings,
        ports=manifest.get("ports", []),
        group=group_body(job.member),
        health=status.health if status and state is JobState.RUNNING else "",
        restarts=status.restarts if status else 0,
    )


def group_body(salt: str | None) -> GroupBody | None:
    """Of which group a job is."""
    member = member_of(salt) if salt is not None else None
    if member is None:
        return None
    return GroupBody(id=member.group, kind=member.kind, index=member.index, size=member.size)


async def manifests(tx: AsyncConnection, cids: set[str]) -> dict[str, dict[str, Any]]:
    """The manifests of these bundles as they are stored, as far as they were fetched."""
    c = t.builds.c
    query = select(c.cid, type_coerce(c.manifest, Text).label("manifest")).where(c.cid.in_(cids))
    rows = await tx.execute(query)
    return {row.cid: json.loads(row.manifest) for row in rows if row.manifest}


async def _endings(tx: AsyncConnection, ids: Sequence[str]) -> dict[str, list[Ending]]:
    """Which events that end a job these jobs have had."""
    c = t.events.c
    found: dict[str, list[Ending]] = {}
    query = select(c.job_id, c.name).where(c.job_id.in_(ids), t.IS_ENDING)
    for row in await tx.execute(query.order_by(c.block_number, c.log_index)):
        found.setdefault(row.job_id, []).append(cast(Ending, row.name))
    return found


async def _runs(tx: AsyncConnection, ids: Sequence[str]) -> dict[str, list[Any]]:
    c = t.runs.c
    query = select(c.job_id, c.attempt, c.provider, c.earned, c.exit_code)
    found: dict[str, list[Any]] = {}
    for row in await tx.execute(query.where(c.job_id.in_(ids)).order_by(c.attempt)):
        found.setdefault(row.job_id, []).append(row)
    return found


async def _statuses(tx: AsyncConnection, jobs: Sequence[Row[Any]]) -> dict[str, RunStatus]:
    """Where the current attempts stand on their agents."""
    c = t.run_status.c
    attempts = {job.job_id: job.attempt for job in jobs}
    query = select(c.job_id, c.attempt, c.status).where(c.job_id.in_(attempts))
    rows = await tx.execute(query)
    return {row.job_id: row.status for row in rows if row.attempt == attempts[row.job_id]}
