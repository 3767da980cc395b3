"""Of several schedulers that share a key one sends, and another takes over when it is gone."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from functools import partial

import pytest

from chain.ganache import LocalChain
from chain.journal_postgres import PostgresPlace
from chain.sender import Sender
from scheduler import key as scheduler_key
from scheduler.key import Elsewhere, Key
from tests.fixtures_postgres import Postgres
from tests.integration.chain.payers import Payer, payer_on

ENDED = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'draas-sender'"
)


@pytest.fixture
async def payer(quiet_anvil: LocalChain, postgres_url: str) -> AsyncIterator[Payer]:
    async for one in payer_on(quiet_anvil, postgres_url):
        yield one


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler_key, "AGAIN_S", 0.05)
    monkeypatch.setattr(scheduler_key, "CHECK_S", 0.05)


def key_of(payer: Payer) -> Key:
    place = partial(PostgresPlace, payer.home)
    return Key(partial(Sender, payer.w3, payer.account, place))


async def test_the_key_is_taken_by_the_first_who_sends_and_by_another_when_it_is_given_back(
    payer: Payer,
) -> None:
    one, two = key_of(payer), key_of(payer)
    await one.send(payer.pay(), "a")
    with pytest.raises(Elsewhere):
        await two.send(payer.pay(), "b")
    assert (one.is_held, two.is_held) == (True, False)
    await one.close()
    await asyncio.sleep(0.1)
    await two.send(payer.pay(), "b")
    await two.send(payer.pay(), "a")  # was made by the other
    assert await payer.paid() == 10
    await two.close()


async def test_the_key_of_a_killed_process_is_taken_over(payer: Payer) -> None:
    holder = subprocess.Popen(payer.command("held"), stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert await asyncio.to_thread(holder.stdout.readline) == b"held\n"
    key = key_of(payer)
    with pytest.raises(Elsewhere):
        await key.take()
    holder.kill()
    holder.wait()
    for _ in range(200):
        try:
            await key.send(payer.pay(), "a")
            break
        except Elsewhere:
            await asyncio.sleep(0.05)
    assert await payer.paid() == 5
    await key.close()


async def test_a_key_that_was_lost_is_noticed_and_taken_anew(
    payer: Payer, postgres: Postgres
) -> None:
    key = key_of(payer)
    await key.send(payer.pay(), "a")
    keeping = asyncio.create_task(key.keep())
    postgres.ask(ENDED)
    while key.is_held:
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.1)
    await key.send(payer.pay(), "b")
    assert await payer.paid() == 10
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    await key.close()
