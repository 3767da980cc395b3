"""A batch into rows: a handful of statements, in the same transaction as the cursor that passed it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, cast

from sqlalchemy import and_, bindparam, delete
from sqlalchemy.ext.asyncio import AsyncConnection

from chain import events as ev
from chain.follow import Cursor
from chain.job import Address, JobId
from scheduler.index.changes import PROVIDER_FIELDS, After, Before
from scheduler.index.undo import Undo, Values, keep_block, move_cursor
from scheduler.rows import tables as t
from scheduler.rows.batch import delete_all, insert_all, upsert_all
from scheduler.rows.facts import JobFacts
from scheduler.rows.leases import wake
from scheduler.rows.spending import reports
from scheduler.rows.store import job_row, run_row


async def apply_batch(
    tx: AsyncConnection,
    at: Cursor | None,
    to: Cursor,
    before: Before,
    after: After,
    me: Address,
    undoable: bool,
) -> None:
    """Write what a batch changes.

    Args:
        tx: a transaction in which nothing was written yet.
        at: the cursor at which `before` was loaded.
        to: the cursor after the batch.
        before: the rows that it is about.
        after: what they are to say.
        me: the scheduler whose jobs are worked on here.
        undoable: whether a reorganisation may have to take it back.

    Raises:
        Overtaken: another process was faster; nothing is written.
    """
    await move_cursor(tx, at, to)
    if undoable:
        await _undo(before, after).save(tx, to.number)
    await keep_block(tx, to, undoable)
    await insert_all(tx, t.events, [_event_row(event, job_id) for event, job_id in after.events])
    await insert_all(tx, reports, _report_rows(before, after))
    await _write_jobs(tx, before, after)
    await _write_providers(tx, after)
    mine = [job for job in _new(before, after) if job.terms.scheduler == me]
    await insert_all(tx, t.work, [_work_row(job) for job in mine])
    await wake(tx, after.touched)


def _undo(before: Before, after: After) -> Undo:
    """The rows that the batch replaces; an event is taken back by its block unless that is an older one's."""
    undo = Undo()
    for job_id, job in after.jobs.items():
        was = before.jobs.get(job_id)
        undo.note(t.jobs, {"job_id": job_id}, job_row(was) if was else None)
        for attempt in {run.attempt for facts in (was, job) if facts for run in facts.runs}:
            run = was.run(attempt) if was else None
            key = {"job_id": job_id, "attempt": attempt}
            undo.note(t.runs, key, run_row(job_id, run) if run else None)
    for who in after.providers:
        facts = before.providers.get(who)
        undo.note(t.providers, {"provider": who}, _provider_row(facts) if facts else None)
    for who, card in after.cards:
        undo.note(t.rate_cards, {"provider": who, "rate_card": card}, None)
    for event in after.found:
        key = {"block_hash": event.at.block_hash, "log_index": event.at.log_index}
        undo.note(t.events, key, None)
        if isinstance(event, ev.UsageReported):
            undo.note(reports, _report_key(event), None)
    return undo


async def _write_jobs(tx: AsyncConnection, before: Before, after: After) -> None:
    jobs = [job for job_id, job in after.jobs.items() if job != before.jobs.get(job_id)]
    runs: list[Values] = []
    gone: list[Values] = []
    closed: list[Values] = []
    for job in jobs:
        was = before.jobs.get(job.job_id)
        runs += [
            run_row(job.job_id, run)
            for run in job.runs
            if was is None or run != was.run(run.attempt)
        ]
        if was is None:
            continue
        attempts = [run.attempt for run in was.runs if job.run(run.attempt) is None]
        gone += [{"job_id": was.job_id, "attempt": attempt} for attempt in attempts]
        if job.attempt != was.attempt:
            closed.append({"closed_job": job.job_id, "next": job.attempt})
    await delete_all(tx, t.runs, gone)
    if closed:
        o = t.offers.c
        old = and_(o.job_id == bindparam("closed_job"), o.attempt < bindparam("next"))
        await tx.execute(delete(t.offers).where(old), closed)
    await upsert_all(tx, t.jobs, [job_row(job) for job in jobs])
    await upsert_all(tx, t.runs, runs)


async def _write_providers(tx: AsyncConnection, after: After) -> None:
    await upsert_all(tx, t.providers, [_provider_row(facts) for facts in after.providers.values()])
    cards = [
        {"provider": who, "rate_card": card, "rates": rates}
        for (who, card), rates in after.cards.items()
    ]
    await upsert_all(tx, t.rate_cards, cards)


def _new(before: Before, after: After) -> Sequence[JobFacts]:
    return [job for job_id, job in after.jobs.items() if job_id not in before.jobs]


def _work_row(job: JobFacts) -> Values:
    waiting: Values = {"job_id": job.job_id, "phase": "fetching", "why": "", "since": job.posted_at}
    return waiting | {"due_at": 0, "tries": 0, "lease_until_ms": 0, "lease_epoch": 0}


def _provider_row(facts: Any) -> Values:
    return {name: getattr(facts, name) for name in PROVIDER_FIELDS}


def _event_row(event: ev.Event, job_id: JobId | None) -> Values:
    return {
        "block_hash": event.at.block_hash,
        "log_index": event.at.log_index,
        "block_number": event.at.block_number,
        "tx_hash": event.at.tx_hash,
        "at": event.at.timestamp,
        "name": type(event).__name__,
        "job_id": job_id,
        "data": json.dumps(event_data(event)),
    }


def _report_rows(before: Before, after: After) -> list[Values]:
    """Of jobs that are known: what was reported, by whom for whom."""
    rows = []
    for event, job_id in after.events:
        if not isinstance(event, ev.UsageReported) or job_id is None:
            continue
        job = after.jobs.get(job_id) or before.jobs.get(job_id)
        if job is not None:
            rows.append(_report_row(event, job))
    return rows


def _report_key(event: ev.UsageReported) -> Values:
    at = event.at
    place = {"block_number": at.block_number, "log_index": at.log_index}
    return {"job_id": event.job_id, "attempt": event.attempt} | place


def _report_row(event: ev.UsageReported, job: JobFacts) -> Values:
    who = {"consumer": job.terms.consumer, "provider": event.provider}
    when = {"at": event.at.timestamp, "tx_hash": event.at.tx_hash}
    return _report_key(event) | who | when | {"usage": event.usage, "earned": event.earned}


def event_data(event: ev.Event) -> dict[str, str]:
    """An event's arguments as text; the terms are left out, since the job has them."""
    flat: dict[str, str] = {}
    for name, shown in _names(cast(Any, type(event))):
        value = getattr(event, name)
        if is_dataclass(value):
            flat |= {part: str(getattr(value, part)) for part, _ in _names(cast(Any, type(value)))}
        else:
            flat[shown] = str(value)
    return flat


@cache
def _names(kind: Any) -> tuple[tuple[str, str], ...]:
    """A class's fields that are told, and the names by which they are."""
    skipped = ("at", "job_id", "terms")
    names = (one.name for one in fields(kind) if one.name not in skipped)
    return tuple((name, name.rstrip("_")) for name in names)
