"""A chain on this machine: Ganache, or Anvil for tests, as a process that dies with this one."""

from __future__ import annotations

import asyncio
import ctypes
import http.client
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from eth_account import Account
from eth_account.signers.local import LocalAccount

from chain.errors import Conflict, NotFound, Unavailable

# The well-known one of Ganache's deterministic wallets: of no worth on any real chain.
MNEMONIC = "myth like bonus scare over problem client lizard pioneer submit female collect"
GANACHE_CHAIN_ID, ANVIL_CHAIN_ID = 1337, 31337
HOST = "127.0.0.1"
_READY_S, _STOP_S = 60.0, 10.0
_COINS = 1000
_SILENT = (OSError, ValueError, http.client.HTTPException)  # not there, or not yet
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def funded_accounts(mnemonic: str = MNEMONIC, count: int = 10) -> tuple[LocalAccount, ...]:
    """The accounts that a chain with this mnemonic gives coins to."""
    Account.enable_unaudited_hdwallet_features()
    path = "m/44'/60'/0'/0/{}"
    return tuple(Account.from_mnemonic(mnemonic, account_path=path.format(i)) for i in range(count))


@dataclass
class LocalChain:
    """A running chain. Stop it with `stop`, or use it in `async with`."""

    rpc_url: str
    chain_id: int
    process: subprocess.Popen[bytes]
    log: Path
    accounts: tuple[LocalAccount, ...]
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def pid(self) -> int:
        """Of the node's process, which leads a group of its own."""
        return self.process.pid

    def stop_now(self) -> None:
        """End the process and wait for it; a second call does nothing."""
        self._over.set()
        if self.process.poll() is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGTERM)
        try:
            self.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()

    async def stop(self) -> None:
        """End the process and wait for it; a second call does nothing."""
        await asyncio.to_thread(self.stop_now)

    async def __aenter__(self) -> LocalChain:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    def beat(self, every_s: float) -> None:
        """Mine an empty block now and then: calls see no other time than the newest block's."""

        def mine() -> None:
            while not self._over.wait(every_s):
                with suppress(*_SILENT):
                    _ask(self.rpc_url, "evm_mine")

        threading.Thread(target=mine, name="block-pulse", daemon=True).start()


async def start_ganache(
    port: int,
    home: Path,
    *,
    mnemonic: str = MNEMONIC,
    accounts: int = 10,
    block_time_s: int = 0,
    keep: bool = False,
    pulse_s: float = 1.0,
) -> LocalChain:
    """Start Ganache on 127.0.0.1 and wait until it answers.

    Args:
        port: to listen at.
        home: folder for its log, and for the chain when it is kept.
        mnemonic: of the accounts that have coins.
        accounts: how many.
        block_time_s: 0 mines every transaction at once.
        keep: whether the chain outlives the process (in `home`/chain).
        pulse_s: seconds between empty blocks, so that time passes on a quiet chain too; 0 for none.

    Raises:
        NotFound: Node.js or Ganache is not installed.
        Conflict: the port is taken.
        Unavailable: it did not start; the message names the log.
    """
    node = shutil.which("node")
    program = _node_modules() / "ganache" / "dist" / "node" / "cli.js"
    if node is None or not program.exists():
        raise NotFound("Ganache is not installed.", "Run `make setup`.")
    argv = [node, str(program), "--server.host", HOST, "--server.port", str(port)]
    argv += ["--chain.chainId", str(GANACHE_CHAIN_ID), "--chain.networkId", str(GANACHE_CHAIN_ID)]
    argv += ["--chain.hardfork", "shanghai", "--wallet.mnemonic", mnemonic]
    argv += ["--wallet.totalAccounts", str(accounts), "--wallet.defaultBalance", str(_COINS)]
    if block_time_s:
        argv += ["--miner.blockTime", str(block_time_s)]
    if keep:
        argv += ["--database.dbPath", str(home / "chain")]
    chain = _spawn(argv, port, home / "ganache.log", GANACHE_CHAIN_ID, mnemonic, accounts)
    return await _ready(chain, 0 if block_time_s else pulse_s)


async def start_anvil(
    port: int,
    home: Path,
    *,
    mnemonic: str = MNEMONIC,
    accounts: int = 10,
    block_time_s: int = 0,
    mining: bool = True,
    pulse_s: float = 1.0,
) -> LocalChain:
    """Start Anvil on 127.0.0.1 and wait until it answers; arguments as `start_ganache`, and `mining` False mines
    only when told.

    Raises:
        NotFound: Anvil is not installed.
        Unavailable: it did not start; the message names the log.
    """
    argv = [str(_anvil()), "--host", HOST, "--port", str(port), "--hardfork", "shanghai"]
    argv += ["--chain-id", str(ANVIL_CHAIN_ID), "--mnemonic", mnemonic]
    argv += ["--accounts", str(accounts), "--balance", str(_COINS)]
    # Old states fill gigabytes, by default in the user's home, and a killed process leaves them there.
    argv += ["--cache-path", str(home / "anvil-states"), "--max-persisted-states", "200"]
    if block_time_s:
        argv += ["--block-time", str(block_time_s)]
    if not mining:
        argv += ["--no-mining"]
    chain = _spawn(argv, port, home / "anvil.log", ANVIL_CHAIN_ID, mnemonic, accounts)
    return await _ready(chain, pulse_s if mining and not block_time_s else 0)


def _node_modules() -> Path:
    named = os.environ.get("DRAAS_NODE_MODULES")
    return Path(named) if named else Path(__file__).resolve().parents[1] / "node_modules"


def _anvil() -> Path:
    """The native binary: npm's launcher of it is a second process."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    package = f"anvil-{sys.platform}-{machine}"
    bundled = _node_modules() / "@foundry-rs" / package / "bin" / "anvil"
    found = str(bundled) if bundled.exists() else shutil.which("anvil")
    if found is None:
        raise NotFound("Anvil is not installed.", "Run `make setup`.")
    return Path(found)


def _spawn(
    argv: list[str], port: int, log: Path, chain_id: int, mnemonic: str, accounts: int
) -> LocalChain:
    if _is_taken(port):
        raise Conflict(f"Port {port} is taken.", "Stop what listens there, or choose another port.")
    log.parent.mkdir(parents=True, exist_ok=True)
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def die_with_parent() -> None:
        if libc is not None:
            libc.prctl(_DIE_WITH_PARENT, signal.SIGKILL)

    with log.open("ab") as file:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
    funded = funded_accounts(mnemonic, accounts)
    return LocalChain(f"http://{HOST}:{port}", chain_id, process, log, funded)


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


async def _ready(chain: LocalChain, pulse_s: float) -> LocalChain:
    ends = asyncio.get_running_loop().time() + _READY_S
    try:
        while chain.process.poll() is None and asyncio.get_running_loop().time() < ends:
            with suppress(*_SILENT):
                if await asyncio.to_thread(_ask, chain.rpc_url, "eth_chainId") == hex(
                    chain.chain_id
                ):
                    if pulse_s:
                        chain.beat(pulse_s)
                    return chain
            await asyncio.sleep(0.05)
    except asyncio.CancelledError:
        chain.stop_now()
        raise
    chain.stop_now()
    raise Unavailable("The local chain did not start.", f"Its log says why: {chain.log}.")


def _ask(url: str, method: str) -> object:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": []}).encode()
    wanted = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - our own
    with urllib.request.urlopen(wanted, timeout=5) as answer:  # noqa: S310
        return json.load(answer).get("result")
