"""Results come from a node or a gateway, whoever has them, and only as what their CID says."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chain.errors import NotFound, Unavailable
from chain.folder import RESULT_LIMITS
from chain.ipfs import add_folder
from chain.job import Cid
from cli.results import _fetch
from tests.fixtures_ipfs import ContentStore

SILENT = "http://127.0.0.1:9"


@pytest.fixture
async def cid(store: ContentStore, tmp_path: Path) -> Cid:
    """Of a folder that is stored."""
    folder = tmp_path / "made"
    (folder / "d").mkdir(parents=True)
    (folder / "d" / "result").write_bytes(b"x" * 300_000)
    return await add_folder(store.api, folder, limits=RESULT_LIMITS)


async def test_a_gateway_serves_where_no_node_answers(
    store: ContentStore, cid: Cid, tmp_path: Path
) -> None:
    for number, places in enumerate(
        ([("api", store.api)], [("api", SILENT), ("gateway", store.gateway)])
    ):
        dest = tmp_path / f"{number}"
        await _fetch(places, cid, dest)
        assert (dest / "d" / "result").read_bytes() == b"x" * 300_000


async def test_what_nobody_has_or_a_liar_sends_leaves_no_folder(
    store: ContentStore, cid: Cid, tmp_path: Path
) -> None:
    absent = Cid("bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e")
    dest = tmp_path / "dest"
    with pytest.raises(NotFound):
        await _fetch([("gateway", store.gateway)], absent, dest)
    with pytest.raises(Unavailable):
        await _fetch([], cid, dest)

    async def lie(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlies")
        writer.close()

    liar = await asyncio.start_server(lie, "127.0.0.1", 0)
    async with liar:
        port = liar.sockets[0].getsockname()[1]
        with pytest.raises(Unavailable):
            await _fetch([("gateway", f"http://127.0.0.1:{port}")], cid, dest)
    assert not dest.exists()
