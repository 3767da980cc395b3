"""The connection: silence, refusals, and chains that are not the one expected."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from chain.connect import chain_time, check_chain, connect, open_book
from chain.contracts import Artifacts
from chain.errors import Conflict, InvalidInput, NotFound, Unavailable
from chain.escrow import Escrow
from chain.ganache import LocalChain, start_anvil
from chain.job import Address
from chain.rpc import NodeRefused, request
from tests.fixtures_chain import ChainMarket, deployed, free_port


@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_a_node_that_is_not_there_is_unavailable_and_its_key_untold(scheme: str) -> None:
    w3 = connect(f"{scheme}://user:pass@127.0.0.1:{free_port()}/v3/secretkey?secret", timeout_s=5)
    with pytest.raises(Unavailable) as silence:
        await request(w3, "eth_chainId")
    assert "secret" not in str(silence.value)
    assert "pass" not in str(silence.value)
    with pytest.raises(Unavailable):
        await w3.eth.get_block("latest")
    await w3.provider.disconnect()


@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_a_node_that_hangs_is_unavailable_and_answers_again_afterwards(
    scheme: str, tmp_path: Path
) -> None:
    async with await start_anvil(free_port(), tmp_path, pulse_s=0) as chain:
        w3 = connect(chain.rpc_url.replace("http", scheme), timeout_s=0.5)
        assert await request(w3, "eth_chainId") == hex(chain.chain_id)
        os.kill(chain.pid, signal.SIGSTOP)
        while psutil.Process(chain.pid).status() != psutil.STATUS_STOPPED:
            await asyncio.sleep(0.01)  # a signal takes effect in its own time
        await asyncio.sleep(0.1)
        with pytest.raises(Unavailable):
            await request(w3, "eth_chainId")
        os.kill(chain.pid, signal.SIGCONT)
        assert await request(w3, "eth_chainId") == hex(chain.chain_id)
        await w3.provider.disconnect()


async def test_a_web_socket_is_opened_again_after_the_node_was_restarted(tmp_path: Path) -> None:
    port = free_port()
    first = await start_anvil(port, tmp_path, pulse_s=0)
    w3 = connect(f"ws://127.0.0.1:{port}")
    assert await w3.eth.chain_id == first.chain_id
    await first.stop()
    with pytest.raises(Unavailable):
        await request(w3, "eth_blockNumber")
    async with await start_anvil(port, tmp_path, pulse_s=0):
        assert await request(w3, "eth_blockNumber") == "0x0"
    await w3.provider.disconnect()


async def test_many_requests_share_one_web_socket(anvil: LocalChain) -> None:
    w3 = connect(anvil.rpc_url.replace("http", "ws"))
    numbers = [hex(number) for number in (0, 0, 0, 0, 0)]
    blocks = await asyncio.gather(
        *(request(w3, "eth_getBlockByNumber", number, False) for number in numbers)
    )
    assert {block["number"] for block in blocks} == {"0x0"}
    await w3.provider.disconnect()


async def test_what_the_node_refuses_is_not_taken_for_silence(each_chain: LocalChain) -> None:
    w3 = connect(each_chain.rpc_url)
    with pytest.raises(NodeRefused):
        await request(w3, "eth_sendRawTransaction", "0x02f8")
    await w3.provider.disconnect()


def test_contracts_cannot_make_us_fetch_addresses() -> None:
    for url in ("http://127.0.0.1:1", "ws://127.0.0.1:1"):
        assert connect(url).provider.global_ccip_read_enabled is False


@pytest.mark.parametrize("url", ["", "127.0.0.1:8545", "ftp://x", "file:///x"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        connect(url)


async def test_another_chain_another_beginning_or_no_contract_is_told(
    market_on_anvil: ChainMarket,
) -> None:
    w3, book = market_on_anvil.w3, market_on_anvil.book
    await check_chain(w3, book)
    nobody = Address("0x" + "77" * 20)
    for wrong, word in (
        (replace(book, chain_id=1), "address book's 1"),
        (replace(book, genesis="0x" + "00" * 32), "begun anew"),
        (replace(book, escrow=nobody), "escrow should be"),
        (replace(book, token=nobody), "token should be"),
    ):
        with pytest.raises(Conflict, match=word):
            await check_chain(w3, wrong)


async def test_the_book_is_found_by_the_nodes_chain(
    market_on_anvil: ChainMarket, tmp_path: Path
) -> None:
    market = market_on_anvil
    assert await open_book(market.w3, market.home) == market.book
    with pytest.raises(NotFound):
        await open_book(market.w3, tmp_path / "elsewhere")


async def test_the_environment_can_name_another_escrow(
    market_on_anvil: ChainMarket, anvil: LocalChain, tmp_path: Path, artifacts: Artifacts
) -> None:
    market = market_on_anvil
    async for other in deployed(anvil, tmp_path / "other", artifacts):
        named = {"NEXT_PUBLIC_CONTRACT_ADDRESS": other.book.escrow.lower()}
        book = await open_book(market.w3, market.home, named)
        assert (book.escrow, book.token) == (other.book.escrow, other.book.token)
        assert await Escrow.of(market.w3, book).token() == other.book.token
    for wrong, kind in (("0x12", InvalidInput), ("0x" + "77" * 20, Conflict)):
        with pytest.raises(kind):
            await open_book(market.w3, market.home, {"NEXT_PUBLIC_CONTRACT_ADDRESS": wrong})


async def test_time_passes_on_a_local_chain_though_nobody_sends(each_chain: LocalChain) -> None:
    w3 = connect(each_chain.rpc_url)
    before = await chain_time(w3)
    await asyncio.sleep(2.5)
    assert await chain_time(w3) >= before + 1
    await w3.provider.disconnect()


async def test_a_taken_port_is_told_before_anything_is_started(
    anvil: LocalChain, tmp_path: Path
) -> None:
    port = int(anvil.rpc_url.rpartition(":")[2])
    with pytest.raises(Conflict, match=str(port)):
        await start_anvil(port, tmp_path)


def test_a_chain_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    program = (
        "import asyncio, os, sys; from pathlib import Path; from chain.ganache import start_anvil\n"
        "chain = asyncio.run(start_anvil(int(sys.argv[1]), Path(sys.argv[2])))\n"
        "print(chain.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    argv = [sys.executable, "-c", program, str(free_port()), str(tmp_path)]
    pid = int(subprocess.run(argv, capture_output=True, text=True, check=False).stdout)
    for _ in range(100):
        if _is_over(pid):
            return
        time.sleep(0.05)
    pytest.fail("the chain outlived its parent")


def _is_over(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_requests_that_are_cancelled_at_any_moment_hold_up_no_later_ones(
    scheme: str, quiet_anvil: LocalChain
) -> None:
    w3 = connect(quiet_anvil.rpc_url.replace("http", scheme), timeout_s=5)
    for turns in range(60):  # of the event loop, before all of them are cancelled
        asking = [asyncio.create_task(request(w3, "eth_chainId")) for _ in range(20)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for one in asking:
            one.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    async with asyncio.timeout(20):
        assert await request(w3, "eth_chainId") == hex(quiet_anvil.chain_id)
    await w3.provider.disconnect()
