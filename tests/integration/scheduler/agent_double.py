"""An agent's double: the agent's own link to the scheduler, and behind it somebody who claims what is offered. It
lets the first attempt lapse and completes the second; it moves the chain's time, and notes every offer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
from eth_account import Account

from agent.link.link import Identity, Link
from agent.runs.runs import Runs
from chain.connect import connect
from chain.contracts import AddressBook
from chain.convert import assignment_of, terms_of
from chain.errors import DraasError
from chain.escrow import Escrow
from chain.job import Address, JobId, JobState, Resources, Usage
from chain.messages import Domain
from chain.rpc import request
from chain.sender import Sender
from chain.wire import Offer

CAPACITY = Resources(1000, 256, 0)
OFFERS = "offers"


class Double:
    """Plays one agent until the three jobs of a case are at their ends."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._home = Path(given["home"])
        self._jobs = {name: JobId(job) for name, job in given["jobs"].items()}
        self.w3 = connect(given["environ"]["RPC_URL"])
        book = AddressBook(**given["book"])
        self._escrow = Escrow.of(self.w3, book)
        account = Account.from_key(given["agent"])
        self._me = Address(account.address)
        self._sender = Sender(self.w3, account, self._home / "double")
        domain = Domain(book.chain_id, book.escrow)
        self._api = f"http://127.0.0.1:{given['environ']['SCHEDULER_PORT']}"
        url, under = "http://127.0.0.1:1", ("runc", "runc+network")
        who = Identity((self._api,), account, domain, url, self._home, runtimes=under)
        self.link = Link(who, Runs(CAPACITY), self._note)
        self._offers: asyncio.Queue[Offer] = asyncio.Queue()
        self._rules = given["rules"]

    def _note(self, offer: Offer) -> None:
        told = offer.assignment
        with (self._home / OFFERS).open("a") as file:
            file.write(f"{told.job_id} {told.attempt} {told.provider} {told.image}\n")
        self._offers.put_nowait(offer)

    async def claim(self) -> None:
        """Claim whatever is offered, once."""
        while True:
            offer = await self._offers.get()
            assignment = assignment_of(offer.assignment)
            key = f"claim/{assignment.job_id}/{assignment.attempt}"
            call = self._escrow.claim_job(terms_of(offer.terms), assignment, offer.signature)
            try:
                await self._sender.send(call, key)
            except DraasError:
                continue  # it is claimed already

    async def act(self) -> None:
        """Fall silent in the first attempt, end the second; go on until all jobs are at their ends, and the
        scheduler tells so."""
        while not (await self._are_over() and await self._are_told()):
            job = await self._escrow.job(self._jobs["good"])
            if job.state is JobState.RUNNING and job.attempt == 1:
                await self._pass(self._rules["lapse_after"] + 5)
            elif job.state is JobState.RUNNING:
                await self._complete()
            elif job.state is JobState.ENDED and job.deposit == 0 and await self._others_wait():
                await self._pass(self._rules["claim_within"])
            await asyncio.sleep(0.3)

    async def _complete(self) -> None:
        job = self._jobs["good"]
        call = self._escrow.complete_job(job, 2, Usage(wall_s=0), 0, "")
        try:
            await self._sender.send(call, f"complete/{job}")
        except DraasError:
            return

    async def _pass(self, seconds: int) -> None:
        await request(self.w3, "evm_increaseTime", seconds)
        await request(self.w3, "evm_mine")
        await asyncio.sleep(1)

    async def _are_over(self) -> bool:
        jobs = [await self._escrow.job(job) for job in self._jobs.values()]
        return all(job.deposit == 0 for job in jobs)

    async def _others_wait(self) -> bool:
        """Whether time alone is what the other jobs wait for: one is declined, one is to be placed."""
        broken = await self._escrow.job(self._jobs["broken"])
        async with httpx.AsyncClient(base_url=self._api, trust_env=False) as http:
            try:
                large = await http.get(f"/v1/deployments/{self._jobs['large']}")
            except httpx.HTTPError:
                return False
        return broken.deposit == 0 and large.is_success and large.json()["phase"] == "placing"

    async def _are_told(self) -> bool:
        async with httpx.AsyncClient(base_url=self._api, trust_env=False) as http:
            try:
                answers = [await http.get(f"/v1/deployments/{job}") for job in self._jobs.values()]
            except httpx.HTTPError:
                return False
        return all(one.is_success and int(one.json()["refunded"]) > 0 for one in answers)


async def play(given: dict[str, Any]) -> None:
    """To the end of the case."""
    double = Double(given)
    tasks = [asyncio.create_task(one) for one in (double.link.work(), double.claim())]
    await double.act()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
