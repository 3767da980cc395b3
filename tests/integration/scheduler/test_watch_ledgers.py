"""A provider's published ledger is held against what it signed before, on a real chain."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from chain import events as ev
from chain import ipfs
from chain.evidence import check_evidence, statement_of
from chain.job import Address, Cid, JobId
from chain.ledger_check import Finding, check_ledger
from chain.messages import Domain, sign_statement
from chain.wire import Probe, ProbeAnswer, RunStatus, StatementBody
from scheduler.rows import tables as t
from scheduler.rows.batch import upsert
from scheduler.rows.database import Store, open_store
from scheduler.sessions.sightings import open_sighting
from scheduler.signals import Signals
from scheduler.watch.ledgers import AT_ONCE, Ledgers, published
from tests.fixtures_chain import ChainMarket, free_port
from tests.fixtures_ipfs import ContentStore
from tests.integration.scheduler.liar import Liar, a_scheduler, honestly, linked
from tests.integration.scheduler.test_watchtower import BOND, TRUE, _hurried, stack
from tests.integration.scheduler.watched import ELAPSED, evidence_of, watched
from tests.unit.chain.ledgers import RUN, START, sample, written

__all__ = ["_hurried", "stack"]  # fixtures
UNSIGNED = "0x" + "00" * 65
ONE = Address("0x" + "11" * 20)


def cid_of(path: str) -> Cid:
    """What an evidence path names."""
    return Cid(path.removeprefix("/ipfs/"))


@pytest.mark.usefixtures("_hurried")
async def test_a_provider_that_shows_another_ledger_than_it_signed_is_disputed(
    market_on_anvil: ChainMarket, tmp_path: Path, stack: AsyncExitStack, store: ContentStore
) -> None:
    market = market_on_anvil
    payment = market.token.transfer(Address(market.scheduler.address), BOND)
    await market.send(market.deployer, payment)
    limits = {"WATCH_MIN": "1", "IPFS_API": store.api}
    url = await stack.enter_async_context(a_scheduler(market, tmp_path / "scheduler", **limits))
    job = await watched(market, url)

    def answers(liar: Liar, probe: Probe) -> ProbeAnswer | None:
        told = honestly(liar, probe)
        assert told is not None
        bare = StatementBody(
            **asdict(liar.metered), starts=1, ledger="e" * 64, at_ms=told.at_ms, signature=UNSIGNED
        )
        statement = statement_of(probe.job_id, probe.attempt, probe.nonce, bare)
        signature = sign_statement(market.provider, market.domain, statement)
        signed = bare.model_copy(update={"signature": signature})
        return told.model_copy(update={"statement": signed})

    liar = Liar(market.provider, names=job.job_id, metered=TRUE, answers=answers)
    liar.started_ms -= 1000 * (ELAPSED + 5)
    await stack.enter_async_context(linked(url, market, liar))
    await job.report(TRUE)
    while not liar.asked:
        await asyncio.sleep(0.1)
    await asyncio.sleep(2)
    assert not await job.told(ev.JobDisputed)
    run = replace(
        RUN,
        chain_id=market.domain.chain_id,
        escrow=market.domain.escrow,
        job_id=job.job_id,
        agent=job.me,
        cpu_millis=job.terms.resources.cpu_millis,
        memory_mib=job.terms.resources.memory_mib,
    )
    end = sample(TRUE.wall_s, cpu_ms=TRUE.cpu_ms)
    ledger = written([run, START, end, end.usage()], run, market.provider)
    liar.evidence = await ipfs.add_bytes(store.api, ledger)
    await job.disputed()
    assert (await job.shown())["runs"][0]["evidence"] == liar.evidence
    text = (
        await ipfs.fetch_bytes(store.api, cid_of(await evidence_of(job)), max_bytes=10**6)
    ).decode()
    checked = check_evidence(text)
    assert "which is not in it" in checked.claims[0]
    assert checked.ledger_cid == liar.evidence
    assert check_ledger(ledger).against(checked.statements, None)


NAMED = Cid("bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy")


async def with_ledger(store: Store, number: int, read: Finding | None, **run: Any) -> None:
    """A watched run whose agent has told of its ledger."""
    me: dict[str, Any] = {"job_id": JobId(f"0x{number:064x}"), "attempt": 1}
    status = RunStatus(**me, phase="completing", evidence=NAMED)
    async with store.write() as tx:
        assert await open_sighting(tx, me["job_id"], 1, ONE, 0)
        values: dict[str, Any] = {"rate_card": 1, "image": "", "started_at": 1, "reported_at": 1}
        values |= {"usage": TRUE, "earned": 0, "released": 0, "settled": False, "provider": ONE}
        await upsert(tx, t.runs, me | values | run)
        await upsert(tx, t.run_status, me | {"at_ms": 1, "status": status})
        of_job = t.sightings.c.job_id == me["job_id"]
        await tx.execute(t.sightings.update().where(of_job).values(published=read))


@pytest.mark.parametrize(
    ("read", "run", "again"),
    [
        (None, {}, True),
        (Finding("another"), {}, True),
        (Finding(NAMED), {}, False),
        (Finding(NAMED), {"settled": True}, True),
        (Finding(NAMED), {"settled": True, "dispute_id": "7"}, False),
        (Finding(NAMED, of_bill=True), {"settled": True}, False),
    ],
)
async def test_a_ledger_is_read_until_it_was_held_against_the_whole_bill(
    database_url: str, read: Finding | None, run: dict[str, Any], again: bool
) -> None:
    store = await open_store(database_url)
    await with_ledger(store, 1, read, **run)
    async with store.read() as tx:
        found = await published(tx)
    assert [one.billed for one in found] == ([TRUE if run else None] if again else [])
    await store.close()


async def test_ledgers_that_do_not_come_keep_no_other_from_being_read(database_url: str) -> None:
    store = await open_store(database_url)
    for number in range(AT_ONCE + 5):
        await with_ledger(store, number, None)
    domain = Domain(31337, Address("0x" + "11" * 20))
    ledgers = Ledgers(store, Signals(), domain, f"http://127.0.0.1:{free_port()}")
    await ledgers.read()
    assert len(ledgers._later) == AT_ONCE
    await ledgers.read()
    assert len(ledgers._later) == AT_ONCE + 5
    await store.close()
