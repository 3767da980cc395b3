"""The connection to a node, and whether the chain behind it is the one we know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from web3 import AsyncWeb3

from chain.calls import Call
from chain.contracts import AddressBook
from chain.errors import Conflict, InvalidInput
from chain.headers import identity_of
from chain.interface import Interface, from_abi
from chain.job import Address
from chain.nodes import Nodes
from chain.provider import Http, Socket, place_of
from chain.rpc import call, request

ESCROW_VARIABLE = "NEXT_PUBLIC_CONTRACT_ADDRESS"
RENEW = "Deploy the contracts again, or take the address book that belongs to this chain."


def connect(rpc_url: str, timeout_s: float = 10, patience: int = 1) -> AsyncWeb3[Any]:
    """A node over HTTP or WebSocket, or several of them (`chain.nodes`), separated by commas; nothing is sent before
    the first request.

    Every request raises `Unavailable` when the node cannot be reached or does not answer in `timeout_s`,
    over HTTP only after it was asked `patience` times: Ganache now and then leaves a request unanswered.
    Close it with `await w3.provider.disconnect()`.

    Raises:
        InvalidInput: not an http(s) or ws(s) address.
    """
    nodes = [_node(url.strip(), timeout_s, patience) for url in rpc_url.split(",")]
    return AsyncWeb3(nodes[0] if len(nodes) == 1 else Nodes(nodes))


def _node(url: str, timeout_s: float, patience: int) -> Http | Socket:
    if url.startswith(("http://", "https://")):
        return Http(url, timeout_s, patience)
    if url.startswith(("ws://", "wss://")):
        return Socket(url, timeout_s)
    raise InvalidInput(
        f"RPC_URL is {place_of(url) if '://' in url else url!r}, which is no address of a node.",
        "Write it like http://127.0.0.1:8545; several, separated by commas.",
    )


async def check_chain(w3: AsyncWeb3[Any], book: AddressBook) -> None:
    """Whether the node's chain is the one that the address book is about.

    Raises:
        Conflict: another chain id, another first block, or no contract at the escrow's address.
        Unavailable: the node does not answer.
    """
    chain_id, genesis = await identity_of(w3)
    if chain_id != book.chain_id:
        raise Conflict(
            f"The node's chain is {chain_id}, the address book's {book.chain_id}.", RENEW
        )
    if genesis != book.genesis:
        raise Conflict("The node's chain has begun anew since the contracts were deployed.", RENEW)
    places = {"escrow": book.escrow, "token": book.token, "court": book.court}
    for name, address in places.items():
        if await request(w3, "eth_getCode", address, "latest") in ("0x", None):
            raise Conflict(f"There is no contract at {address}, where the {name} should be.", RENEW)


async def open_book(
    w3: AsyncWeb3[Any], home: Path, environ: Mapping[str, str] | None = None
) -> AddressBook:
    """The address book of the node's chain, checked against it.

    Args:
        w3: the node.
        home: DRAAS_HOME.
        environ: where NEXT_PUBLIC_CONTRACT_ADDRESS, if set, names another escrow than the book.

    Raises:
        NotFound: no book for this chain.
        Conflict: the book does not fit the chain.
    """
    book = AddressBook.load(home, int(await request(w3, "eth_chainId"), 16))
    named = (environ or {}).get(ESCROW_VARIABLE)
    if named:
        book = replace(book, escrow=from_abi(Address, _address(named)))
    await check_chain(w3, book)
    if named:
        token, court = [await _told(w3, book, name) for name in ("token", "arbitrator")]
        book = replace(book, token=token, court=court)
    return book


async def _told(w3: AsyncWeb3[Any], book: AddressBook, name: str) -> Address:
    """An address that the escrow tells."""
    interface = Interface(book.escrow_abi)
    data = await call(w3, Call(book.escrow, interface.encode(name)), "latest")
    return Address(from_abi(Address, interface.decode_result(name, data)[0]))


def _address(text: str) -> str:
    if not AsyncWeb3.is_address(text):
        raise InvalidInput(
            f"{ESCROW_VARIABLE} is {text!r}, which is no address.",
            "Write 0x and 40 hexadecimal digits.",
        )
    return text


async def chain_time(w3: AsyncWeb3[Any]) -> int:
    """Timestamp of the newest block: the time by which calls, and so dry-runs, are judged."""
    block = await request(w3, "eth_getBlockByNumber", "latest", False)
    return int(block["timestamp"], 16)
