"""Pages of deployments: full while more follow, and what a filter names, all of it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any, get_args

import pytest

from chain.api import DeploymentSummary, Phase, State
from chain.job import Address, JobId
from scheduler.api.listing import Filter, list_deployments
from scheduler.api.views import show_deployment
from scheduler.rows import tables as t
from scheduler.rows.database import Store, open_store
from scheduler.rows.states import Moment
from scheduler.telemetry.overview import count_states
from tests.bench._rows import address, cid, write_market
from tests.fixtures_chain import RULES

JOBS = 600


@pytest.fixture
async def stored(database_url: str) -> AsyncIterator[Store]:
    store = await open_store(database_url)
    await write_market(store, address(3, 1), JOBS, 20, int(time.time()))
    yield store
    await store.close()


async def pages(
    store: Store, at: Moment, wanted: Filter, limit: int = 7
) -> list[DeploymentSummary]:
    """All of them, page by page; every page but the last is full."""
    found: list[DeploymentSummary] = []
    cursor: str | None = None
    while True:
        page = await list_deployments(store, at, wanted, limit, cursor)
        found += page.items
        if page.next is None:
            return found
        assert len(page.items) == limit
        cursor = page.next


async def test_every_filter_gives_in_full_pages_what_it_names(stored: Store) -> None:
    at = Moment(int(time.time()), RULES)
    every = await pages(stored, at, Filter(), 100)
    assert len(every) == JOBS
    filters: list[tuple[Filter, Any]] = [
        (Filter(state=state), lambda one, state=state: one.state == state)
        for state in get_args(State)
    ]
    filters += [
        (Filter(phase=phase), lambda one, phase=phase: one.phase == phase)
        for phase in get_args(Phase)
    ]
    who, runner, bundle = every[0].consumer, every[50].provider, every[9].cid
    assert runner is not None
    filters += [
        (Filter(consumer=Address(who)), lambda one: one.consumer == who),
        (Filter(provider=Address(runner)), lambda one: one.provider == runner),
        (Filter(cid=bundle), lambda one: one.cid == bundle),
        (Filter(cid=cid(4999)), lambda one: False),
        (
            Filter(consumer=Address(who), state="Closed"),
            lambda one: one.consumer == who and one.state == "Closed",
        ),
        (Filter(state="Open", phase="running"), lambda one: False),
    ]
    for wanted, fits in filters:
        expected = [one.job_id for one in every if fits(one)]
        assert [one.job_id for one in await pages(stored, at, wanted)] == expected, wanted


async def test_the_counts_are_those_of_the_lists(stored: Store) -> None:
    at = Moment(int(time.time()), RULES)
    every = await pages(stored, at, Filter(), 100)
    states = [one.state for one in every]
    async with stored.read() as tx:
        counted = await count_states(tx, at)
    assert counted == {one: states.count(one) for one in set(states)}


async def test_a_line_of_a_list_says_the_same_as_the_deployment_itself(stored: Store) -> None:
    at = Moment(int(time.time()), RULES)
    for line in (await list_deployments(stored, at, Filter(), 100, None)).items[::9]:
        shown = await show_deployment(stored, at, line.job_id)  # type: ignore[arg-type]
        assert (
            DeploymentSummary(**{name: getattr(shown, name) for name in type(line).model_fields})
            == line
        )


async def test_a_dispute_is_shown_however_many_documents_come_after_it(stored: Store) -> None:
    at = Moment(int(time.time()), RULES)
    job_id = JobId((await list_deployments(stored, at, Filter(), 1, None)).items[0].job_id)
    row = {"job_id": job_id, "tx_hash": "0x" + "2" * 64, "at": 9, "data": "{}", "log_index": 0}
    events = ["JobLapsed", "JobDisputed", *["Evidence"] * 150, "DisputeRuled", *["Evidence"] * 150]
    told = [
        row | {"name": name, "block_hash": f"0x{10**9 + place}", "block_number": 10**9 + place}
        for place, name in enumerate(events)
    ]
    async with stored.write() as tx:
        await tx.execute(t.events.insert(), told)
    shown = (await show_deployment(stored, at, job_id)).transactions
    found = [one.event for one in shown if one.block >= 10**9]
    assert found == ["JobLapsed", "JobDisputed", "DisputeRuled", *["Evidence"] * 100]
    assert shown == sorted(shown, key=lambda one: one.block)
