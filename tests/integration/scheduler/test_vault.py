"""Secrets at the scheduler: in from the job's consumer alone, out to the agent that has claimed it alone, and never
open in a row."""

from __future__ import annotations

import base64
import time

import httpx
from eth_account import Account
from eth_account.signers.local import LocalAccount
from sqlalchemy import select, update

from chain.job import Address, JobId
from chain.sealed import new_identity, recipient_of
from chain.sealing_key import SealingKey, SealingKeyBody, check_announced
from chain.secret_values import Bound, open_values, seal_values
from scheduler.rows import tables as t
from scheduler.rows.sealed_secrets import drop_secrets, sealed_of, sealed_secrets
from tests.integration.scheduler.served import Served

VALUES = {"TOKEN": b"a-planted-value", "KEY": b"\x00\x01 binary"}


async def a_job(served: Served, salt: int = 0) -> JobId:
    terms = await served.market.with_job(salt=salt)
    await served.until_read()
    return served.market.escrow.job_id(terms)


async def sealed_for(served: Served, job_id: JobId) -> str:
    told = SealingKeyBody.model_validate_json((await served.http.get("/v1/sealing-key")).content)
    holder = Address(served.market.scheduler.address)
    recipient = check_announced(told, served.market.domain, holder, int(time.time()))
    bound = Bound(served.market.domain, job_id, None, holder)
    return base64.b64encode(seal_values(VALUES, bound, recipient)).decode()


async def given(served: Served, job_id: JobId, sealed: str, who: LocalAccount) -> httpx.Response:
    shown = {"authorization": f"Bearer {served.token(who)}"}
    path = f"/v1/deployments/{job_id}/secrets"
    return await served.http.post(path, json={"sealed": sealed}, headers=shown)


async def asked(
    served: Served,
    job_id: JobId,
    who: LocalAccount,
    key: SealingKey,
    signer: LocalAccount | None = None,
) -> httpx.Response:
    shown = {"authorization": f"Bearer {served.token(who, 'agent')}"}
    body = key.announce(signer or who, served.market.domain, int(time.time())).model_dump()
    path = f"/v1/agents/runs/{job_id}/1/secrets"
    return await served.http.post(path, json=body, headers=shown)


def a_key() -> SealingKey:
    identity = new_identity()
    return SealingKey(identity, recipient_of(identity))


async def test_the_agent_that_claimed_gets_them_sealed_to_its_own_key_and_nobody_else_does(
    served: Served,
) -> None:
    market, key = served.market, a_key()
    terms = await market.with_job()
    job_id = market.escrow.job_id(terms)
    await served.until_read()
    answer = await given(served, job_id, await sealed_for(served, job_id), market.consumer)
    assert answer.json() == {"names": ["KEY", "TOKEN"]}
    assert (await asked(served, job_id, market.provider, key)).status_code == 409  # not claimed yet
    await market.with_provider()
    await market.claimed(terms)
    await served.until_read()
    answer = await asked(served, job_id, market.provider, key)
    assert answer.status_code == 200, answer.text
    bound = Bound(market.domain, job_id, 1, Address(market.provider.address))
    sealed = base64.b64decode(answer.json()["sealed"])
    assert open_values(sealed, key.identity, bound) == VALUES
    assert b"planted" not in answer.content
    stranger = Account.create()
    assert (await asked(served, job_id, stranger, key)).status_code == 404
    forged = await asked(served, job_id, market.provider, key, signer=stranger)
    assert forged.status_code == 403
    consumers = {"authorization": f"Bearer {served.token(market.provider)}"}
    body = key.announce(market.provider, market.domain, int(time.time())).model_dump()
    path = f"/v1/agents/runs/{job_id}/1/secrets"
    assert (await served.http.post(path, json=body, headers=consumers)).status_code == 403


async def test_only_the_jobs_consumer_gives_them_and_only_for_this_job(served: Served) -> None:
    job_id, other = await a_job(served), await a_job(served, salt=1)
    sealed, consumer = await sealed_for(served, job_id), served.market.consumer
    assert (await given(served, job_id, sealed, Account.create())).status_code == 404
    assert (await given(served, other, sealed, consumer)).status_code == 403
    garbage = base64.b64encode(b"not sealed").decode()
    assert (await given(served, job_id, garbage, consumer)).status_code == 403
    assert (await given(served, job_id, "no base64!", consumer)).status_code == 422
    assert (
        await served.http.post(f"/v1/deployments/{job_id}/secrets", json={"sealed": sealed})
    ).status_code == 401
    assert (await given(served, job_id, sealed, consumer)).status_code == 200
    async with served.context.store.read() as tx:
        row = (await tx.execute(select(sealed_secrets))).one()
    assert row.job_id == job_id
    assert b"planted" not in bytes(row.sealed)


async def test_they_go_when_the_job_is_long_over_and_not_before(served: Served) -> None:
    job_id = await a_job(served)
    await given(served, job_id, await sealed_for(served, job_id), served.market.consumer)
    async with served.context.store.write() as tx:
        deadline = (await tx.execute(select(t.jobs.c.deadline))).scalar_one()
        assert await drop_secrets(tx, deadline + 1, 0) == 0  # it may still be claimed
        await tx.execute(update(t.jobs).values(standing=5))
        assert await drop_secrets(tx, deadline, 0) == 0
        assert await drop_secrets(tx, deadline + 1, 0) == 1
        assert await sealed_of(tx, job_id) is None
