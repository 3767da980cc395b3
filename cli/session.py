"""What a consumer's command needs: the scheduler, the chain, and the consumer's key."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from eth_account.signers.local import LocalAccount
from web3 import AsyncWeb3
from web3.providers import AsyncBaseProvider

from chain.api import Market
from chain.calls import Call
from chain.connect import check_chain, connect
from chain.contracts import AddressBook
from chain.errors import Conflict, InvalidInput, NotFound
from chain.escrow import Escrow
from chain.job import Address
from chain.keys import load_account
from chain.sender import Receipt, Sender
from chain.signin import Place
from chain.token import Token
from cli.api import SchedulerApi
from cli.signin import Credentials

DEFAULT_HOME = "~/.draas"
MARKET_FILE = "market.json"
SEND_WITHIN_S = 60.0  # how long to wait for another command of the same consumer to have sent
ASK_NODE_TIMES = 3


@dataclass(frozen=True, slots=True)
class LocalMarket:
    """Where `draas up` listens; kept under the home so that the other commands find it."""

    rpc_url: str
    scheduler_url: str
    ipfs_api: str
    keystore: str  # of the consumer
    password_file: str

    @contextmanager
    def saved_in(self, home: Path) -> Iterator[None]:
        """There for other commands to find, as long as the market is up."""
        path = home / MARKET_FILE
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def home_of(environ: Mapping[str, str]) -> Path:
    """DRAAS_HOME, else ~/.draas."""
    return Path(environ.get("DRAAS_HOME") or DEFAULT_HOME).expanduser().resolve()


def load_market(home: Path) -> LocalMarket | None:
    """What the last `draas up` wrote, or None."""
    try:
        return LocalMarket(**json.loads((home / MARKET_FILE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        raise InvalidInput(
            f"{home / MARKET_FILE} cannot be read.", "Remove it and run `draas up` again."
        ) from None


@dataclass(frozen=True, slots=True)
class Session:
    """A consumer at one market."""

    api: SchedulerApi
    market: Market
    account: LocalAccount
    address: Address
    w3: AsyncWeb3[AsyncBaseProvider]
    escrow: Escrow
    token: Token
    since: int  # the block of the escrow's deployment
    outbox: Path  # where the consumer's transactions are recorded

    async def send(self, call: Call, key: str = "") -> Receipt:
        """Make a call and wait until it is mined.

        One process at a time sends with a key, so that is held no longer than one call takes: somebody who follows
        a job can cancel it from another terminal.

        Raises:
            Conflict: another process sent with this key all the time.
        """
        with await self._sender() as sender:
            return await sender.send(call, key)

    async def _sender(self) -> Sender:
        ends = asyncio.get_running_loop().time() + SEND_WITHIN_S
        while True:
            try:
                return Sender(self.w3, self.account, self.outbox)
            except Conflict:
                if asyncio.get_running_loop().time() > ends:
                    raise
            await asyncio.sleep(0.1)


def scheduler_url(environ: Mapping[str, str]) -> str:
    """SCHEDULER_URL, else the local market's."""
    local = load_market(home_of(environ))
    url = environ.get("SCHEDULER_URL") or (local.scheduler_url if local else "")
    if not url:
        raise NotFound(
            "No market is known here.", "Start one with `draas up`, or set SCHEDULER_URL."
        )
    if not url.startswith(("http://", "https://")):
        raise InvalidInput(
            f"SCHEDULER_URL is {url!r}, which is no address.",
            "Write it like http://127.0.0.1:5000.",
        )
    return url


def consumer_account(environ: Mapping[str, str]) -> LocalAccount:
    """The consumer's key: DRAAS_PRIVATE_KEY or DRAAS_KEYSTORE, else the one that `draas up` made."""
    if environ.get("DRAAS_PRIVATE_KEY") or environ.get("DRAAS_KEYSTORE"):
        return load_account(environ, "DRAAS_")
    local = load_market(home_of(environ))
    if local is None:
        raise NotFound(
            "There is no key to pay with.",
            "Set DRAAS_KEYSTORE or DRAAS_PRIVATE_KEY, or run `draas up`.",
        )
    found = {"DRAAS_KEYSTORE": local.keystore, "DRAAS_KEYSTORE_PASSWORD_FILE": local.password_file}
    return load_account(found, "DRAAS_")


@asynccontextmanager
async def open_session(environ: Mapping[str, str]) -> AsyncIterator[Session]:
    """Connect to the scheduler and to the chain, and hold what the two say of the market against each other.

    Raises:
        Conflict: the scheduler works for another chain or escrow than our address book.
    """
    home = home_of(environ)
    account = consumer_account(environ)
    local = load_market(home)
    rpc_url = environ.get("RPC_URL") or (local.rpc_url if local else "http://127.0.0.1:8545")
    async with SchedulerApi(scheduler_url(environ)) as api:
        market = await api.market()
        book = AddressBook.load(home, market.chain_id)
        ours = (book.escrow, book.token, book.court)
        if ours != (market.escrow, market.token, market.court):
            raise Conflict(
                f"The scheduler works for escrow {market.escrow}, the address book says {book.escrow}.",
                "Use the scheduler of your own market, or renew the address book.",
            )
        place = Place(Address(market.scheduler), market.chain_id)
        api.credentials = Credentials(account, place, home)
        w3 = connect(rpc_url, patience=ASK_NODE_TIMES)
        await check_chain(w3, book)
        try:
            yield Session(
                api=api,
                market=market,
                account=account,
                address=Address(account.address),
                w3=w3,
                escrow=Escrow.of(w3, book),
                token=Token(w3, book.token, book.token_abi),
                since=book.deployed_at_block,
                outbox=home / "consumer",
            )
        finally:
            await w3.provider.disconnect()
