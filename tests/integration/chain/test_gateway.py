"""The trustless gateway, and stores that fetch from it with no trust in it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from chain import ipfs
from chain.car import unpack
from chain.cid import Codec, cid_bytes, cid_of, cid_text, holds
from chain.errors import NotFound
from chain.folder import DEFAULT_LIMITS
from chain.store_process import ipfs_api, start_store
from tests.fixtures_ipfs import ContentStore
from tests.kubo_node import free_port
from tests.unit.chain.dags import Dag, make_folder, same

FILES: dict[str, bytes | None] = {"main.py": b"print(1)\n", "data/large": b"d" * 700_000}


async def test_the_gateway_gives_blocks_and_cars_that_can_be_checked(
    store: ContentStore, tmp_path: Path
) -> None:
    folder = make_folder(tmp_path / "in", FILES)
    cid = await ipfs.add_folder(store.api, folder)
    url = f"{store.gateway}/ipfs/{cid}"
    async with httpx.AsyncClient() as client:
        raw = await client.get(url, params={"format": "raw"})
        car = await client.get(url, headers={"Accept": "application/vnd.ipld.car; version=1"})
        head = await client.head(url, params={"format": "car"})
    assert holds(cid_bytes(cid), raw.content)
    assert raw.headers["content-type"] == "application/vnd.ipld.raw"
    unpack([car.content], cid_bytes(cid), tmp_path / "out", DEFAULT_LIMITS)
    assert same(folder, tmp_path / "out")
    assert (head.status_code, head.content) == (200, b"")
    assert "immutable" in head.headers["cache-control"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/ipfs/" + cid_text(cid_of(b"not here", Codec.RAW)) + "?format=raw", 404),
        ("/ipfs/" + cid_text(cid_of(b"not here", Codec.RAW)) + "?format=car", 404),
        ("/ipfs/" + cid_text(cid_of(b"not here", Codec.RAW)), 400),
        ("/ipfs/" + cid_text(cid_of(b"not here", Codec.RAW)) + "?format=tar", 400),
        ("/ipfs/..%2f..%2fetc%2fpasswd?format=raw", 404),
        ("/ipfs/nonsense?format=raw", 400),
        ("/api/v0/version", 404),
    ],
)
def test_the_gateway_gives_nothing_else(store: ContentStore, path: str, status: int) -> None:
    assert httpx.get(store.gateway + path).status_code == status
    assert httpx.post(store.gateway + "/api/v0/add").status_code == 404


async def test_a_store_fetches_from_anothers_gateway_what_it_lacks(
    store: ContentStore, tmp_path: Path
) -> None:
    folder = make_folder(tmp_path / "in", FILES)
    cid = await ipfs.add_folder(store.api, folder)
    nobody = f"http://127.0.0.1:{free_port()}"
    second = await start_store(tmp_path / "second", peers=[nobody, store.gateway])
    try:
        await ipfs.fetch_folder(second.api, cid, tmp_path / "out")
        with pytest.raises(NotFound):
            await ipfs.pin(second.api, cid_text(cid_of(b"nowhere", Codec.RAW)))
    finally:
        await second.stop()
    assert same(folder, tmp_path / "out")


async def test_a_store_that_is_started_for_lack_of_a_node_asks_the_gateway_that_is_named(
    store: ContentStore, tmp_path: Path
) -> None:
    cid = await ipfs.add_bytes(store.api, b"on another machine")
    api, started = await ipfs_api({"IPFS_GATEWAY": store.gateway}, tmp_path / "own")
    assert started is not None
    try:
        assert await ipfs.fetch_bytes(api, cid, max_bytes=100) == b"on another machine"
    finally:
        await started.stop()


@contextmanager
def a_gateway(body: bytes) -> Iterator[str]:
    """A gateway that answers everything with the same bytes."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


async def test_a_gateway_that_lies_is_refused_and_what_it_sent_is_not_kept(tmp_path: Path) -> None:
    dag, other = Dag(), Dag()
    root = dag.folder(a=dag.raw(b"true"))
    forged = dag.car(root).replace(b"true", b"lies")
    swapped = other.car(other.folder(a=other.raw(b"spam")))
    for number, body in enumerate((forged, swapped, b"<html>200 OK</html>", b"")):
        data = tmp_path / f"store-{number}"
        with a_gateway(body) as liar:
            second = await start_store(data, peers=[liar])
            try:
                with pytest.raises(NotFound):
                    await ipfs.fetch_folder(second.api, cid_text(root.cid), tmp_path / "out")
            finally:
                await second.stop()
        kept = [path.read_bytes() for path in data.glob("blocks/*/*")]
        assert not any(b"lies" in block or b"spam" in block for block in kept)
    assert not (tmp_path / "out").exists()
