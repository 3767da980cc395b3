"""The local market's chain: kept over a restart when asked, and no louder than its log."""

from __future__ import annotations

from pathlib import Path

import pytest

from chain.connect import connect
from chain.errors import NotFound, Unavailable
from chain.ganache import MNEMONIC, funded_accounts, start_ganache
from chain.headers import hash_at
from chain.rpc import request
from tests.fixtures_chain import free_port


async def test_a_kept_chain_is_the_same_one_after_a_restart(tmp_path: Path) -> None:
    seen = []
    for _ in range(2):
        async with await start_ganache(free_port(), tmp_path, keep=True, pulse_s=0) as chain:
            w3 = connect(chain.rpc_url)
            seen.append((await hash_at(w3, 0), int(await request(w3, "eth_blockNumber"), 16)))
            await request(w3, "evm_mine")
            await w3.provider.disconnect()
    (genesis, first), (again, later) = seen
    assert genesis == again
    assert later == first + 1


async def test_the_accounts_are_the_mnemonics_and_have_coins(tmp_path: Path) -> None:
    words = "test test test test test test test test test test test junk"
    port = free_port()
    async with await start_ganache(port, tmp_path, mnemonic=words, accounts=2) as chain:
        w3 = connect(chain.rpc_url)
        assert [one.address for one in chain.accounts] == [
            one.address for one in funded_accounts(words, 2)
        ]
        for account in chain.accounts:
            assert int(await request(w3, "eth_getBalance", account.address, "latest"), 16) > 0
        await w3.provider.disconnect()
    assert funded_accounts(MNEMONIC, 1)[0].address == "0x90F8bf6A479f320ead074411a4B0e7944Ea8c9C1"


async def test_a_stopped_chain_answers_no_more_and_may_be_stopped_again(tmp_path: Path) -> None:
    chain = await start_ganache(free_port(), tmp_path)
    await chain.stop()
    await chain.stop()
    w3 = connect(chain.rpc_url, timeout_s=2)
    with pytest.raises(Unavailable):
        await request(w3, "eth_chainId")
    await w3.provider.disconnect()


async def test_a_chain_that_does_not_start_names_its_log(tmp_path: Path) -> None:
    (tmp_path / "chain").write_text("no folder")
    with pytest.raises(Unavailable) as told:
        await start_ganache(free_port(), tmp_path, keep=True)
    assert str(tmp_path / "ganache.log") in told.value.fix


async def test_where_nothing_is_installed_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRAAS_NODE_MODULES", str(tmp_path))
    with pytest.raises(NotFound, match="not installed"):
        await start_ganache(free_port(), tmp_path)
