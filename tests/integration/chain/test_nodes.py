"""Several nodes as one: who is asked, who is left, and who comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from web3 import AsyncWeb3

from chain.connect import connect
from chain.errors import Conflict, Unavailable
from chain.ganache import LocalChain, start_anvil
from chain.heads import Heads
from chain.nodes import MAX_PAUSE_S, STEADY_S, Nodes, another_node, one_node, turn
from chain.provider import Http, Socket
from chain.rpc import NodeRefused, request
from tests.fixtures_chain import free_port
from tests.lying_node import LyingNode, lying_node


@dataclass
class Several:
    """Two proxies in front of one chain, and a clock that the test moves."""

    first: LyingNode
    second: LyingNode
    w3: AsyncWeb3[Any]
    now: float = 0.0

    async def asked(self) -> str:
        """Who answers a request."""
        before = (self.first.requests, self.second.requests)
        await request(self.w3, "eth_gasPrice")
        moved = (self.first.requests > before[0], self.second.requests > before[1])
        return {(True, False): "first", (False, True): "second"}.get(moved, "both")


@pytest.fixture
async def several(quiet_anvil: LocalChain) -> AsyncIterator[Several]:
    async with AsyncExitStack() as stack:
        first, second = [
            await stack.enter_async_context(lying_node(quiet_anvil.rpc_url)) for _ in range(2)
        ]
        several = Several(first, second, AsyncWeb3())
        nodes = Nodes([Http(one.url, 1) for one in (first, second)], lambda: several.now)
        several.w3 = AsyncWeb3(nodes)
        yield several
        await nodes.disconnect()


@pytest.mark.parametrize("lie", ["500", "429", "reset", "html", "cut json", "stall", "no method"])
async def test_a_node_that_fails_is_left_and_tried_again_later(several: Several, lie: str) -> None:
    assert await several.asked() == "first"
    several.first.lie = lie
    assert await several.asked() == "both"
    several.first.lie = ""
    expected = (
        "first" if lie == "no method" else "second"
    )  # what one request lacks says nothing of others
    assert await several.asked() == expected
    several.now += MAX_PAUSE_S
    assert await several.asked() == "first"


async def test_pauses_get_longer_until_a_node_has_served_for_a_while(several: Several) -> None:
    pauses = []
    for _ in range(3):
        await several.asked()
        turn(several.w3, "it is behind")
        paused = 0
        while await several.asked() == "second":
            several.now += 1
            paused += 1
        pauses.append(paused)
    assert pauses == sorted(set(pauses))
    several.now += STEADY_S
    await several.asked()
    turn(several.w3, "it is behind")
    several.now += pauses[0]
    assert await several.asked() == "first"


async def test_with_all_of_them_failing_one_is_asked_all_the_same(several: Several) -> None:
    several.first.lie = several.second.lie = "500"
    for _ in range(3):
        with pytest.raises(Unavailable, match="does not answer"):
            await several.asked()
    several.second.lie = ""
    assert (await several.asked()) in ("second", "both")


async def test_a_node_of_another_chain_is_never_used(several: Several, tmp_path: Path) -> None:
    await several.asked()
    several.second.lie = "500"
    several.first.lie = "500"
    with pytest.raises(Unavailable):
        await several.asked()
    async with await start_anvil(free_port(), tmp_path, pulse_s=0) as other:
        several.first.upstream = several.second.upstream = other.rpc_url
        several.first.lie = several.second.lie = ""
        with pytest.raises(Conflict, match="another chain"):
            await several.asked()


async def test_what_every_node_refuses_is_refused(several: Several) -> None:
    with pytest.raises(NodeRefused):
        await request(several.w3, "eth_thereIsNoSuchThing")


async def test_a_transaction_goes_to_every_node(several: Several) -> None:
    with pytest.raises(NodeRefused):
        await request(several.w3, "eth_sendRawTransaction", "0x02f8")
    for node in (several.first, several.second):
        assert "eth_sendRawTransaction" in node.asked


async def test_reads_that_belong_together_come_from_one_node(several: Several) -> None:
    w3 = await one_node(several.w3)
    several.first.lie = "500"
    with pytest.raises(Unavailable):
        await request(w3, "eth_gasPrice")
    assert several.second.requests == 0
    turn(several.w3, "it does not answer")
    await request(await one_node(several.w3), "eth_gasPrice")
    assert several.second.requests > 0


async def test_another_node_is_one_that_is_on_the_chain(several: Several) -> None:
    await several.asked()
    assert another_node(several.w3) is None
    turn(several.w3, "")
    await several.asked()
    several.now += MAX_PAUSE_S
    await several.asked()
    other = another_node(several.w3)
    assert other is not None
    before = several.second.requests
    await request(other, "eth_gasPrice")
    assert several.second.requests == before + 1


def test_several_addresses_make_several_nodes_and_keys_stay_untold() -> None:
    assert isinstance(connect("http://a:1, ws://b/key").provider, Nodes)
    assert Http("http://user:pass@host:1/key?key", 1).place == "http://host:1"
    assert Socket("wss://host/key", 1).place == "wss://host"


@pytest.mark.parametrize("count", [1, 2])
async def test_over_a_web_socket_new_blocks_are_pushed(
    quiet_anvil: LocalChain, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chain.heads.LONGEST_S", 600)
    url = quiet_anvil.rpc_url.replace("http", "ws")
    w3 = connect(",".join([url] * count))
    await request(w3, "eth_chainId")
    heads = Heads(w3, 600)
    for _ in range(2):
        waiting = asyncio.create_task(heads.wait(600))
        while not waiting.done():
            await request(w3, "evm_mine")
            await asyncio.sleep(0.05)
        await waiting
        socket = w3.provider if isinstance(w3.provider, Socket) else w3.provider._nodes[0].provider
        assert isinstance(socket, Socket)
        await socket.disconnect()  # the second time over a new connection
        await request(w3, "eth_chainId")
    await w3.provider.disconnect()
