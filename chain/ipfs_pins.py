"""What an IPFS node keeps: pins with all that is below them."""

from __future__ import annotations

from typing import Any

from ipfshttpclient import exceptions as failures

from chain.car import received
from chain.cid import cid_bytes, cid_text
from chain.errors import NotFound, Unavailable
from chain.folder import Gate, Limits
from chain.ipfs_node import absent_or_silent, call_node, fetch_by, while_wanted
from chain.job import Cid


async def pin(api: str, cid: Cid, *, deadline_s: float = 60) -> None:
    """Have the node get and keep something.

    Raises:
        NotFound: nobody had all of it within `deadline_s`.
        Unavailable: the node does not answer.
    """
    name = cid_text(cid_bytes(cid))
    try:
        await call_node(api, deadline_s, lambda client: client.pin.add(name))
    except (Unavailable, NotFound) as error:
        raise await absent_or_silent(api, cid, deadline_s, error) from error


async def pin_within(api: str, cid: Cid, limits: Limits, *, deadline_s: float = 60) -> None:
    """Have the node keep something that a stranger has named: all of it is looked at first, so that no more is kept
    than the limits allow.

    Raises:
        NotFound, Unavailable: as `fetch_folder`.
        InvalidInput: it is no CID.
        TooLarge: over a limit.
    """
    root, gate = cid_bytes(cid), Gate()
    name = cid_text(root)

    def work(client: Any) -> None:
        with (
            client.dag.export(name, stream=True) as answer,
            received(while_wanted(answer, gate), root, limits),
            gate.passing(),
        ):
            client.pin.add(name)

    await fetch_by(api, cid, work, deadline_s, gate)


async def is_pinned(api: str, cid: Cid, *, deadline_s: float = 60) -> bool:
    """Whether the node keeps something with all that is below it.

    Raises:
        Unavailable: the node does not answer.
    """
    name = cid_text(cid_bytes(cid))
    return await call_node(api, deadline_s, lambda client: has_pin(client, name))


def has_pin(client: Any, name: Cid) -> bool:
    """The same, asked of a client. Blocking."""
    try:
        return name in client.pin.ls(name, type="recursive")["Keys"]
    except failures.ErrorResponse:
        return False


async def unpin(api: str, cid: Cid, *, deadline_s: float = 60) -> None:
    """Let the node drop something; nothing happens when it was not pinned.

    Raises:
        Unavailable: the node does not answer.
    """
    name = cid_text(cid_bytes(cid))

    def drop(client: Any) -> None:
        try:
            client.pin.rm(name)
        except failures.ErrorResponse:
            if name in client.pin.ls(type="recursive")["Keys"]:
                raise

    await call_node(api, deadline_s, drop)


async def pins(api: str, *, deadline_s: float = 60) -> set[Cid]:
    """Everything that the node keeps with all that is below it.

    Raises:
        Unavailable: the node does not answer.
    """
    told = await call_node(api, deadline_s, lambda client: client.pin.ls(type="recursive"))
    return {Cid(name) for name in told["Keys"]}
