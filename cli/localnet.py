"""The chain of a local market: Ganache, the contracts, and an account with money for each part."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from web3 import AsyncWeb3
from web3.providers import AsyncBaseProvider

from chain.calls import Call
from chain.connect import connect
from chain.contracts import CourtParameters, deploy
from chain.convert import address_of
from chain.court import Court
from chain.ganache import LocalChain, start_ganache
from chain.job import Address, Parameters
from chain.keys import create_keystore
from chain.meta_evidence import DOCUMENT, path_of
from chain.sender import Sender
from chain.token import Token
from cli.screen import Screen

TOKEN = 10**18
GRANT = 1_000 * TOKEN  # to everybody: agents bond what they offer, the scheduler its disputes
COINS = 10 * 10**18  # wei for gas
BOND_PER_UNIT = TOKEN // 1000  # a grant covers a machine of 500 cores and 500 GiB
DISPUTE_BOND = TOKEN
LAPSES_PER_SLASH = 3
COURT = CourtParameters(
    seat_stake=10 * TOKEN,
    jurors=1,
    fee_per_juror=10**15,  # wei
    draw_time=60,
    commit_time=60,
    reveal_time=60,
    appeal_time=60,
    coherence=1000,
    penalty=1000,
    max_appeals=1,
)


@dataclass(frozen=True, slots=True)
class Identity:
    """One party: its key, and the home in which its program keeps what it must not lose."""

    name: str
    home: Path
    address: Address
    keystore: Path
    password_file: Path

    def env(self) -> dict[str, str]:
        """What its program needs to find these."""
        return {
            "DRAAS_HOME": str(self.home),
            "DRAAS_KEYSTORE": str(self.keystore),
            "DRAAS_KEYSTORE_PASSWORD_FILE": str(self.password_file),
        }


@dataclass(frozen=True, slots=True)
class Localnet:
    """A chain with the contracts on it, and everybody funded."""

    rpc_url: str
    chain_id: int
    escrow: Address
    token: Address
    court: Address
    deployer: Address
    consumer: Identity
    scheduler: Identity
    agents: tuple[Identity, ...]


@asynccontextmanager
async def open_localnet(
    home: Path, rpc_port: int, agents: int, rules: Parameters, screen: Screen
) -> AsyncIterator[Localnet]:
    """Ganache with the contracts, and a funded key for every party; the chain ends with the context.

    Every market is a new chain, so what an earlier one left in this home is removed first. The document that the escrow
    names for jurors (`chain.meta_evidence`) is for the caller to put on IPFS.

    Raises:
        Unavailable: Ganache did not start.
    """
    shutil.rmtree(home / "local", ignore_errors=True)
    shutil.rmtree(home / "consumer", ignore_errors=True)
    with screen.working("starting Ganache"):
        chain = await start_ganache(rpc_port, home / "logs")
    try:
        screen.done("Ganache", chain.rpc_url)
        w3 = connect(chain.rpc_url)
        try:
            with screen.working("deploying the contracts"):
                net = await _settle_in(w3, chain, home, agents, rules)
        finally:
            await w3.provider.disconnect()
        screen.done("contracts", net.escrow)
        yield net
    finally:
        await chain.stop()
        screen.done("Ganache stopped")


async def _settle_in(
    w3: AsyncWeb3[AsyncBaseProvider], chain: LocalChain, home: Path, agents: int, rules: Parameters
) -> Localnet:
    deployer = chain.accounts[0]
    root = address_of(deployer.address)
    about = path_of(DOCUMENT.read_bytes())
    book = await deploy(w3, deployer, rules, COURT, home=home, meta_evidence=about)
    names = ["consumer", "scheduler", *(f"agent-{number + 1}" for number in range(agents))]
    made = await asyncio.gather(*(asyncio.to_thread(_identity, home, name) for name in names))
    token = Token(w3, book.token, book.token_abi)
    with Sender(w3, deployer, home / "local" / "deployer") as sender:
        for who in made:
            book.save(who.home)
            await sender.send(Call(who.address, b"", COINS, "coins for gas"), "")
            await sender.send(token.transfer(who.address, GRANT), "")
        # The chain's own first account is the juror: the one that brownie's scripts act with on a local chain.
        await sender.send(token.approve(book.court, COURT.seat_stake), "")
        await sender.send(Court.of(w3, book).stake(COURT.seat_stake), "")
    consumer, scheduler, *providers = made
    return Localnet(
        rpc_url=chain.rpc_url,
        chain_id=book.chain_id,
        escrow=book.escrow,
        token=book.token,
        court=book.court,
        deployer=root,
        consumer=consumer,
        scheduler=scheduler,
        agents=tuple(providers),
    )


def _identity(home: Path, name: str) -> Identity:
    """A new key in a keystore of its own; its password lies beside it, for it guards play money only."""
    place = home / "local" / name
    place.mkdir(parents=True, mode=0o700)
    password = secrets.token_urlsafe(24)
    password_file = place / "password"
    password_file.touch(mode=0o600)
    password_file.write_text(password, encoding="utf-8")
    keystore = place / "keystore.json"
    return Identity(name, place, create_keystore(keystore, password), keystore, password_file)
