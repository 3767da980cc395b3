"""What each usage report added, by who pays and who earns, newest first: as the chain took it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest
from sqlalchemy import text

from chain.job import JobId, Usage
from scheduler.rows import tables as t
from scheduler.rows.batch import upsert
from scheduler.rows.database import open_store
from scheduler.rows.migrations import upgrade
from scheduler.rows.spending import reports
from tests.fixtures_chain import RATES, TERMS
from tests.integration.scheduler.served import Served

TOTALS = [Usage(500, 60, 4, 2), Usage(900, 150, 4, 5), Usage(2500, 300, 9, 8)]


async def a_run_that_reports(served: Served, salt: int = 0) -> JobId:
    market = served.market
    terms = await market.with_job(salt)
    await market.claimed(terms)
    job_id = market.escrow.job_id(terms)
    for usage in TOTALS:
        await market.pass_time(9)
        await market.send(market.provider, market.escrow.report_usage([(job_id, 1, usage)]))
    await served.until_read()
    return job_id


async def asked(served: Served, **query: Any) -> Any:
    answer = await served.http.get("/v1/spending", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def cost(usage: Usage) -> int:
    rates = asdict(RATES)
    return sum(amount * rates[name] for name, amount in asdict(usage).items())


async def test_each_report_tells_what_it_added(served: Served) -> None:
    market = served.market
    await market.with_provider()
    job_id = await a_run_that_reports(served)
    page = await asked(served, consumer=market.consumer.address.lower())
    assert page["next"] is None
    added = [item["usage"] for item in reversed(page["items"])]
    zero, totals = Usage(), [asdict(one) for one in TOTALS]
    before = [asdict(zero), *totals[:-1]]
    assert added == [
        {name: now[name] - then[name] for name in now}
        for now, then in zip(totals, before, strict=True)
    ]
    assert sum(int(item["earned"]) for item in page["items"]) == cost(TOTALS[-1])
    newest = page["items"][0]
    receipt = await market.w3.eth.get_transaction_receipt(newest["tx_hash"])
    block = await market.w3.eth.get_block(receipt["blockNumber"])
    assert (newest["block"], newest["at"]) == (block["number"], block["timestamp"])
    assert {(one["job_id"], one["attempt"]) for one in page["items"]} == {(job_id, 1)}


async def test_pages_follow_each_other_by_consumer_provider_and_time(served: Served) -> None:
    market = served.market
    await market.with_provider()
    jobs = [await a_run_that_reports(served, salt) for salt in (1, 2)]
    who = {"consumer": market.consumer.address, "provider": market.provider.address}
    every = (await asked(served, **who))["items"]
    assert [one["job_id"] for one in every] == [jobs[1]] * 3 + [jobs[0]] * 3
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = await asked(served, provider=market.provider.address, limit=4, **cursor)
        found += page["items"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert found == every
    assert (await asked(served))["items"] == every
    since = every[2]["at"]
    assert (await asked(served, **who, since=since))["items"] == every[:3]
    assert (await asked(served, consumer=market.juror.address))["items"] == []


@pytest.mark.parametrize("query", ["?consumer=0x12", "?consumer=0x" + "1" * 40 + "&cursor=9"])
async def test_what_cannot_be_asked_is_told(served: Served, query: str) -> None:
    answer = await served.http.get(f"/v1/spending{query}")
    assert answer.status_code == 422
    assert answer.json()["fix"]


async def test_reports_that_were_read_before_there_was_the_table_are_in_it(
    database_url: str,
) -> None:
    store = await open_store(database_url)
    job_id, told = "0x" + "ab" * 32, asdict(TOTALS[1])
    data = {"provider": "0x" + "3" * 40, "attempt": "1", "earned": "77"}
    data |= {name: str(amount) for name, amount in told.items()}
    job: dict[str, Any] = {"job_id": job_id, "consumer": "0x" + "4" * 40, "scheduler": "0x"}
    job |= {"cid": "", "terms": TERMS, "posted_at": 1, "posted_block": 1, "posted_index": 0}
    job |= dict.fromkeys(("claim_by", "deposited", "deposit", "refunded", "deadline"), 1)
    job |= {"duration": 1, "rate_card": 1, "attempt": 1, "state": 1, "settled": False}
    job |= {"ended_why": "", "alarm": "", "member": None, "standing": 0}
    event = {"block_hash": "0x1", "log_index": 5, "block_number": 3, "tx_hash": "0x2", "at": 9}
    event |= {"name": "UsageReported", "job_id": job_id, "data": json.dumps(data)}
    async with store.write() as tx:
        await upsert(tx, t.jobs, job)
        await upsert(tx, t.events, event)
        await tx.execute(text("DROP TABLE reports"))
        for index in (
            "runs_by_result",
            "runs_due",
            *(f"events_of_{what}" for what in ("evidence", "failures", "turns")),
        ):
            await tx.execute(text(f"DROP INDEX {index}"))
        await tx.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        await tx.run_sync(upgrade)
        (row,) = (await tx.execute(reports.select())).all()
    assert (row.consumer, row.provider, row.at, row.earned) == (
        job["consumer"],
        "0x" + "3" * 40,
        9,
        77,
    )
    assert (row.usage, row.block_number, row.log_index) == (TOTALS[1], 3, 5)
    await store.close()
