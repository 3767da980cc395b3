"""Folders and bytes to and from both kinds of node: the same CIDs, and deadlines that end."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ipfshttpclient
import pytest

from chain import ipfs
from chain.bundle import bundle_cid
from chain.car import WrongBytes, header, section
from chain.cid import Codec, cid_of, cid_text
from chain.errors import Conflict, InvalidInput, NotFound, TooLarge, Unavailable
from chain.folder import Limits
from chain.job import Cid
from tests.fixtures_ipfs import ContentStore
from tests.kubo_node import free_port
from tests.unit.chain.dags import SHAPES, Dag, listing, make_folder, same

NOBODY_HAS = cid_text(cid_of(b"nobody has ever added this", Codec.RAW))


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_folder_goes_in_and_comes_out_under_the_cid_that_was_computed_here(
    node: str, tmp_path: Path, shape: str
) -> None:
    folder = make_folder(tmp_path / "in", SHAPES[shape])
    cid = await ipfs.add_folder(node, folder)
    assert cid == bundle_cid(folder)
    await ipfs.fetch_folder(node, cid, tmp_path / "out")
    assert same(folder, tmp_path / "out")


@pytest.mark.parametrize("shape", SHAPES)
def test_the_store_gives_the_cids_that_kubo_itself_computes(
    store: ContentStore, kubo: str, tmp_path: Path, shape: str
) -> None:
    """Kubo adds as its library does, with CIDv0; the layout is the same for both versions."""
    folder = str(make_folder(tmp_path / "in", SHAPES[shape]))
    with ipfshttpclient.Client(store.api) as ours, ipfshttpclient.Client(kubo) as theirs:
        mine = ours.add(folder, recursive=True, cid_version=0, raw_leaves=False)
        assert mine[-1]["Hash"] == theirs.add(folder, recursive=True, cid_version=0)[-1]["Hash"]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_stores_own_add_gives_the_cid_of_the_bundle(
    store: ContentStore, tmp_path: Path, shape: str
) -> None:
    folder = make_folder(tmp_path / "in", SHAPES[shape])
    with ipfshttpclient.Client(store.api) as client:
        added = client.add(str(folder), recursive=True, cid_version=1, raw_leaves=True)
    assert {"in": bundle_cid(folder)}.items() <= {one["Name"]: one["Hash"] for one in added}.items()


@pytest.mark.parametrize("size", [0, 1, 262_144, 262_145, 3_000_000])
async def test_bytes_come_out_as_they_went_in(node: str, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    cid = await ipfs.add_bytes(node, data)
    assert await ipfs.fetch_bytes(node, cid, max_bytes=size) == data


async def test_what_is_pinned_can_be_unpinned_and_again(node: str) -> None:
    cid = await ipfs.add_bytes(node, b"pinned and unpinned")
    await ipfs.unpin(node, cid)
    await ipfs.unpin(node, cid)
    await ipfs.pin(node, cid)
    await ipfs.unpin(node, cid)


async def test_what_nobody_has_ends_at_its_deadline(node: str, tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(NotFound, match=NOBODY_HAS):
        await ipfs.fetch_folder(node, NOBODY_HAS, tmp_path / "out", deadline_s=2)
    with pytest.raises(NotFound):
        await ipfs.fetch_bytes(node, NOBODY_HAS, max_bytes=100, deadline_s=1)
    with pytest.raises(NotFound):
        await ipfs.pin(node, NOBODY_HAS, deadline_s=1)
    assert time.monotonic() - began < 8
    assert list(tmp_path.iterdir()) == []


async def test_content_over_a_limit_is_refused_and_leaves_nothing(
    node: str, tmp_path: Path
) -> None:
    cid = await ipfs.add_folder(node, make_folder(tmp_path / "in", {"a": bytes(3_000)}))
    with pytest.raises(TooLarge):
        await ipfs.fetch_folder(node, cid, tmp_path / "out", limits=Limits(max_file_bytes=2_999))
    with pytest.raises(TooLarge):
        await ipfs.fetch_bytes(node, await ipfs.add_bytes(node, b"12345"), max_bytes=4)
    assert listing(tmp_path) == {"in": None, "in/a": bytes(3_000)}


async def test_a_file_is_not_taken_for_a_folder_nor_a_folder_for_a_file(
    node: str, tmp_path: Path
) -> None:
    file = await ipfs.add_bytes(node, b"a file")
    folder = await ipfs.add_folder(node, make_folder(tmp_path / "in", {"a": b"1"}))
    with pytest.raises(InvalidInput, match="not a folder"):
        await ipfs.fetch_folder(node, file, tmp_path / "out")
    with pytest.raises(InvalidInput, match="not a file"):
        await ipfs.fetch_bytes(node, folder, max_bytes=100)


async def test_a_place_that_is_taken_is_left_alone(node: str, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "in", {"a": b"1"})
    cid = await ipfs.add_folder(node, folder)
    with pytest.raises(Conflict):
        await ipfs.fetch_folder(node, cid, folder)


async def test_a_node_that_is_not_there_is_unavailable_not_empty(tmp_path: Path) -> None:
    api = f"http://127.0.0.1:{free_port()}"
    for call in (
        ipfs.version(api),
        ipfs.add_bytes(api, b"1"),
        ipfs.fetch_folder(api, NOBODY_HAS, tmp_path / "out"),
        ipfs.pin(api, NOBODY_HAS),
        ipfs.unpin(api, NOBODY_HAS),
    ):
        with pytest.raises(Unavailable) as told:
            await call
        assert "IPFS_API" in told.value.fix


@contextmanager
def answering(answer: bytes, then_wait_s: float = 0) -> Iterator[str]:
    """A node that says the same to every request, or says nothing and holds the line."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(20)

    def one(line: socket.socket) -> None:
        with line:
            line.recv(65_536)
            line.sendall(answer)
            time.sleep(then_wait_s)

    def serve() -> None:
        try:
            while True:
                threading.Thread(target=one, args=(server.accept()[0],), daemon=True).start()
        except OSError:
            return

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"/ip4/127.0.0.1/tcp/{server.getsockname()[1]}"
    finally:
        server.close()


def as_http(body: bytes) -> bytes:
    """A whole answer."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (
        len(body),
        body,
    )


async def test_a_node_that_holds_the_line_is_unavailable_by_the_deadline(tmp_path: Path) -> None:
    with answering(b"", then_wait_s=20) as api:
        began = time.monotonic()
        with pytest.raises(Unavailable) as told:
            await ipfs.fetch_folder(api, NOBODY_HAS, tmp_path / "out", deadline_s=1)
        assert not isinstance(told.value, NotFound)
        assert time.monotonic() - began < 8


async def test_a_web_page_in_place_of_a_node_is_unavailable() -> None:
    with answering(as_http(b"<html>welcome</html>")) as api, pytest.raises(Unavailable):
        await ipfs.add_bytes(api, b"1")


async def test_a_node_that_sends_other_bytes_is_caught(tmp_path: Path) -> None:
    dag = Dag()
    root = dag.folder(a=dag.raw(b"true"))
    forged = dag.car(root).replace(b"true", b"lies")
    other = Dag()
    swapped = other.car(other.folder(a=other.raw(b"lies")))
    for body in (forged, swapped, header(root.cid) + section(other.raw(b"x").cid, b"x")):
        with answering(as_http(body)) as api, pytest.raises(WrongBytes):
            await ipfs.fetch_folder(api, cid_text(root.cid), tmp_path / "out", deadline_s=5)
    assert list(tmp_path.iterdir()) == []


async def test_a_fetch_that_is_called_off_leaves_nothing(kubo: str, tmp_path: Path) -> None:
    fetch = asyncio.create_task(ipfs.fetch_folder(kubo, NOBODY_HAS, tmp_path / "out", deadline_s=3))
    await asyncio.sleep(0.3)
    fetch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetch
    await asyncio.sleep(0.1)
    assert list(tmp_path.iterdir()) == []


async def test_a_cid_that_is_none_never_reaches_the_node(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is not a CID"):
        await ipfs.fetch_folder("http://127.0.0.1:1", Cid("../../etc"), tmp_path / "out")
