"""Several nodes behind one provider: one of them is used until it fails, then the next.

A node is used only when it is on the same chain as the first one that answered. One that failed is left alone for a
while, longer each time; then the better places in the list are tried again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from web3 import AsyncWeb3
from web3.providers.async_base import AsyncJSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from chain.errors import Conflict, DraasError, Unavailable
from chain.headers import identity_of
from chain.provider import Http, Socket
from chain.rpc import NodeRefused

log = structlog.get_logger()
PAUSE_S, MAX_PAUSE_S = 5.0, 300.0
STEADY_S = 60.0  # of service, after which earlier failures are forgotten
_NOT_OFFERED = {-32601, -32004}  # JSON-RPC and EIP-1474: no such method, or not supported
_SEND = "eth_sendRawTransaction"


@dataclass(slots=True)
class _Node:
    """One of the nodes, and how it has behaved."""

    provider: Http | Socket
    w3: AsyncWeb3[Any]
    checked: bool = False  # on our chain, since it was last silent
    failures: int = 0  # in a row
    retry_at: float = 0.0
    used_since: float = 0.0


class Nodes(AsyncJSONBaseProvider):
    """Answers from the node in use. With all of them failing, the one whose pause ends first is asked all the same."""

    global_ccip_read_enabled = False  # a contract must not make us fetch addresses of its choice

    def __init__(
        self, providers: Sequence[Http | Socket], clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._nodes = [_Node(one, AsyncWeb3(one)) for one in providers]
        self._clock = clock
        self._using: _Node | None = None
        self.turns = 0  # times that the node in use was left
        self._chain: tuple[int, str] | None = None  # id and first block
        self._sending: set[asyncio.Task[RPCResponse]] = set()

    async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Ask the node in use, and the next ones while it fails. A signed transaction goes to all of them.

        Raises:
            Unavailable: none of them answers.
            Conflict: none that answers is on the chain.
        """
        if method == _SEND:
            return await self._send_to_all(params)
        refusal: RPCResponse | None = None
        fault: DraasError | None = None
        for node in self._in_order():
            try:
                await self._check(node)
                answer = await node.provider.make_request(method, params)
            except (Unavailable, Conflict, NodeRefused) as error:
                self._failed(node, error.message)
                fault = fault or error
                continue
            if _code(answer) not in _NOT_OFFERED:
                self._use(node)
                return answer
            refusal = refusal or answer
        if refusal is not None:
            return refusal
        raise fault or Unavailable("There is no node.", "Check RPC_URL.")

    async def one(self) -> AsyncWeb3[Any]:
        """A connection to the node in use alone, for reads that belong together.

        Raises:
            Unavailable, Conflict: as `make_request`.
        """
        fault: DraasError | None = None
        for node in self._in_order():
            try:
                await self._check(node)
            except (Unavailable, Conflict, NodeRefused) as error:
                self._failed(node, error.message)
                fault = fault or error
                continue
            self._use(node)
            return node.w3
        raise fault or Unavailable("There is no node.", "Check RPC_URL.")

    def other(self) -> AsyncWeb3[Any] | None:
        """A connection to another node than the one in use, which is on the chain as far as is known."""
        fit = (one for one in self._in_order() if one is not self._using and one.checked)
        return next((one.w3 for one in fit), None)

    def turn(self, why: str) -> None:
        """The node in use is of no use to its reader: leave it for a while."""
        if self._using is not None:
            self._failed(self._using, why)

    def socket(self) -> Socket | None:
        """The node in use, if it is reached over a WebSocket."""
        provider = self._using.provider if self._using is not None else None
        return provider if isinstance(provider, Socket) else None

    async def disconnect(self) -> None:
        """Close all connections; a second call does nothing."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        for node in self._nodes:
            await node.provider.disconnect()

    def _in_order(self) -> list[_Node]:
        """The node in use is left only for a better one whose pause is over."""
        now = self._clock()
        ready = [node for node in self._nodes if node.retry_at <= now]
        paused = [node for node in self._nodes if node.retry_at > now]
        return [*ready, *sorted(paused, key=lambda node: node.retry_at)]

    async def _check(self, node: _Node) -> None:
        """Whether the node is on the chain, asked once, and again after it was silent."""
        if node.checked:
            return
        found = await identity_of(node.w3)
        if self._chain is None:
            self._chain = found
        if found != self._chain:
            raise Conflict(
                f"The node at {node.provider.place} is on another chain ({found[0]}, first block {found[1][:10]}).",
                "Take it out of RPC_URL, or let it serve the same chain as the others.",
            )
        node.checked = True

    def _use(self, node: _Node) -> None:
        now = self._clock()
        if node is not self._using:
            log.info("chain.node", place=node.provider.place)
            self._using = node
            node.used_since = now
        node.retry_at = 0.0
        if now - node.used_since >= STEADY_S:
            node.failures = 0

    def _failed(self, node: _Node, why: str) -> None:
        pause = min(MAX_PAUSE_S, PAUSE_S * 2**node.failures)
        log.warning("chain.node_left", place=node.provider.place, why=why, pause_s=pause)
        node.checked = False
        node.failures = min(node.failures + 1, 16)
        node.retry_at = self._clock() + pause
        if node is self._using:
            self._using = None
            self.turns += 1

    async def _send_to_all(self, params: Any) -> RPCResponse:
        """The first node that takes the transaction answers; the others get it meanwhile."""
        tasks = [asyncio.create_task(self._send_to(node, params)) for node in self._in_order()]
        for task in tasks:
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        answers: list[RPCResponse] = []
        fault: DraasError | None = None
        for sent in asyncio.as_completed(tasks):
            try:
                answer = await sent
            except (Unavailable, Conflict, NodeRefused) as error:
                fault = fault or error
                continue
            if "error" not in answer:
                return answer
            answers.append(answer)
        if answers:
            return answers[0]
        raise fault or Unavailable("There is no node.", "Check RPC_URL.")

    async def _send_to(self, node: _Node, params: Any) -> RPCResponse:
        await self._check(node)
        return await node.provider.make_request(RPCEndpoint(_SEND), params)


def _code(answer: RPCResponse) -> object:
    fault = answer.get("error")
    return fault.get("code") if isinstance(fault, dict) else None


async def one_node(w3: AsyncWeb3[Any]) -> AsyncWeb3[Any]:
    """The same connection, narrowed to one node where there are several."""
    return await w3.provider.one() if isinstance(w3.provider, Nodes) else w3


def another_node(w3: AsyncWeb3[Any]) -> AsyncWeb3[Any] | None:
    """A node besides the one in use, where there are several."""
    return w3.provider.other() if isinstance(w3.provider, Nodes) else None


def turn(w3: AsyncWeb3[Any], why: str) -> None:
    """Leave the node in use for another, where there are several."""
    if isinstance(w3.provider, Nodes):
        w3.provider.turn(why)


def turns_of(w3: AsyncWeb3[Any]) -> int:
    """How often the node in use was left for another."""
    return w3.provider.turns if isinstance(w3.provider, Nodes) else 0


def socket_of(w3: AsyncWeb3[Any]) -> Socket | None:
    """The node in use, if it is reached over a WebSocket: it tells of new heads."""
    if isinstance(w3.provider, Nodes):
        return w3.provider.socket()
    return w3.provider if isinstance(w3.provider, Socket) else None
