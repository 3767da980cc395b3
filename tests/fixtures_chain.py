"""Chains, started once a run, and a market deployed on one for each test."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from web3 import AsyncWeb3

from chain.calls import Call
from chain.connect import chain_time, connect
from chain.contracts import AddressBook, Artifacts, CourtParameters, compile_contracts, deploy
from chain.court import Court
from chain.escrow import Escrow
from chain.ganache import LocalChain, start_anvil, start_ganache
from chain.job import (
    ZERO_ADDRESS,
    Address,
    Cid,
    Digest,
    JobTerms,
    Parameters,
    Rates,
    Resources,
    max_cost,
)
from chain.messages import Assignment, Domain, sign_assignment
from chain.rpc import request
from chain.sender import Receipt, Sender
from chain.token import Token

RULES = Parameters(
    window=10,
    lapse_after=30,
    settle_grace=20,
    bond_per_unit=10**15,
    dispute_bond=10**18,
    ruling_time=600,
    unbond_time=700,
    lapses_per_slash=2,
)
COURT = CourtParameters(
    seat_stake=10**18,
    jurors=1,
    fee_per_juror=10**15,
    draw_time=30,
    commit_time=60,
    reveal_time=60,
    appeal_time=20,
    coherence=1000,
    penalty=1000,
    max_appeals=0,
)
UNITS = 4_000  # of capacity, that the provider bonds
RATES = Rates(cpu_ms=10**9, memory_mib_s=10**6, egress_kib=10**3, wall_s=10**12)
TERMS = JobTerms(
    consumer=ZERO_ADDRESS,
    scheduler=ZERO_ADDRESS,
    watcher=ZERO_ADDRESS,
    salt="0x" + "00" * 32,
    resources=Resources(cpu_millis=1000, memory_mib=64, egress_kib_s=8),
    max_rates=RATES,
    duration=600,
    claim_within=300,
    cid=Cid("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"),
)
IMAGE = Digest("sha256:" + "ab" * 32)


def free_port() -> int:
    """A port nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def artifacts() -> Artifacts:
    """The compiled contracts."""
    return compile_contracts()


@pytest.fixture(scope="session")
def ganache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalChain]:
    """Ganache, mining at once, with a block each second."""
    chain = asyncio.run(start_ganache(free_port(), tmp_path_factory.mktemp("ganache")))
    yield chain
    chain.stop_now()


@pytest.fixture(scope="session")
def anvil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalChain]:
    """Anvil, mining at once, with a block each second."""
    chain = asyncio.run(start_anvil(free_port(), tmp_path_factory.mktemp("anvil")))
    yield chain
    chain.stop_now()


@pytest.fixture(scope="session")
def quiet_anvil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalChain]:
    """Anvil whose blocks and time are the test's alone; mines at once until told otherwise."""
    home = tmp_path_factory.mktemp("quiet-anvil")
    chain = asyncio.run(start_anvil(free_port(), home, pulse_s=0))
    yield chain
    chain.stop_now()


@dataclass
class ChainMarket:
    """The contracts on a chain, and who acts there. Everybody but the deployer begins without tokens."""

    chain: LocalChain
    w3: AsyncWeb3[Any]
    home: Path
    book: AddressBook
    escrow: Escrow
    court: Court
    token: Token
    stack: AsyncExitStack
    _senders: dict[str, Sender] = field(default_factory=dict)

    deployer = property(lambda self: self.chain.accounts[0])  # holds the supply
    consumer = property(lambda self: self.chain.accounts[1])
    scheduler = property(lambda self: self.chain.accounts[2])
    provider = property(lambda self: self.chain.accounts[3])
    juror = property(lambda self: self.chain.accounts[4])

    @property
    def domain(self) -> Domain:
        """Of signatures."""
        return Domain(self.book.chain_id, self.book.escrow)

    def sender(self, account: LocalAccount) -> Sender:
        """Closed at the end of the test."""
        if account.address not in self._senders:
            sender = Sender(self.w3, account, self.home)
            self._senders[account.address] = self.stack.enter_context(sender)
        return self._senders[account.address]

    async def send(self, account: LocalAccount, call: Call, key: str = "") -> Receipt:
        """Mined, or it raises."""
        return await self.sender(account).send(call, key)

    async def give(self, account: LocalAccount, amount: int) -> None:
        """Tokens, all of which the escrow may take."""
        await self.send(self.deployer, self.token.transfer(Address(account.address), amount))
        await self.send(account, self.token.approve(self.book.escrow, 2**255))

    async def with_provider(self) -> None:
        """The provider registered at `RATES`."""
        await self.give(self.provider, 10 * 10**18)
        await self.send(self.provider, self.escrow.register(UNITS, RATES))

    async def with_job(self, salt: int = 0) -> JobTerms:
        """A job of the consumer's posted with the scheduler named."""
        terms = self.terms(salt)
        deposit = max_cost(terms.resources, terms.max_rates, terms.duration)
        await self.give(self.consumer, deposit)
        await self.send(self.consumer, self.escrow.post_job(terms, deposit))
        return terms

    def terms(self, salt: int = 0) -> JobTerms:
        """Terms of the consumer's."""
        return replace(
            TERMS,
            consumer=Address(self.consumer.address),
            scheduler=Address(self.scheduler.address),
            salt="0x" + salt.to_bytes(32).hex(),
        )

    async def claimed(self, terms: JobTerms, attempt: int = 1) -> None:
        """The job claimed by the provider with the scheduler's assignment."""
        assignment = Assignment(
            job_id=self.escrow.job_id(terms),
            attempt=attempt,
            provider=Address(self.provider.address),
            image=IMAGE,
            deadline=await chain_time(self.w3) + 1000,
        )
        signature = sign_assignment(self.scheduler, self.domain, assignment)
        await self.send(self.provider, self.escrow.claim_job(terms, assignment, signature))

    async def pass_time(self, seconds: int) -> None:
        """Let the chain's clock go on."""
        await request(self.w3, "evm_increaseTime", seconds)
        await request(self.w3, "evm_mine")


async def deployed(
    chain: LocalChain, home: Path, artifacts: Artifacts, rules: Parameters = RULES
) -> AsyncIterator[ChainMarket]:
    """A fresh market on a chain."""
    w3 = connect(chain.rpc_url)
    book = await deploy(w3, chain.accounts[0], rules, COURT, home=home, artifacts=artifacts)
    token = Token(w3, book.token, book.token_abi)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(w3.provider.disconnect)
        yield ChainMarket(
            chain, w3, home, book, Escrow.of(w3, book), Court.of(w3, book), token, stack
        )


@pytest.fixture
async def market_on_anvil(
    anvil: LocalChain, tmp_path: Path, artifacts: Artifacts
) -> AsyncIterator[ChainMarket]:
    """On a chain that lives by itself."""
    async for market in deployed(anvil, tmp_path, artifacts):
        yield market


@pytest.fixture
async def quiet_market(
    quiet_anvil: LocalChain, tmp_path: Path, artifacts: Artifacts
) -> AsyncIterator[ChainMarket]:
    """On a chain where nothing happens but what the test does."""
    async for market in deployed(quiet_anvil, tmp_path, artifacts):
        yield market
        await request(market.w3, "evm_setAutomine", True)


@pytest.fixture(params=["ganache", "anvil"])
def each_chain(request: pytest.FixtureRequest) -> LocalChain:
    """One after the other."""
    chain: LocalChain = request.getfixturevalue(request.param)
    return chain


@pytest.fixture
async def each_market(
    each_chain: LocalChain, tmp_path: Path, artifacts: Artifacts
) -> AsyncIterator[ChainMarket]:
    """On Ganache, and on Anvil."""
    async for market in deployed(each_chain, tmp_path, artifacts):
        yield market
