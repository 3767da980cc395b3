"""Layers over HTTP: a gateway that lies, breaks off or sends without end is found out, and the next one is asked."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from agent.link.images import SchedulerImages
from agent.link.signin import Signed
from chain.car import WrongBytes
from chain.errors import DraasError, NotFound, Unavailable
from chain.image import LayerBody
from chain.ipfs import add_bytes
from chain.job import ZERO_ADDRESS
from tests.fixtures_ipfs import ContentStore

DATA = bytes(range(256)) * 4096  # a layer of four blocks


@dataclass
class Gateway:
    """Answers every question with what it has; the last byte may be another, or never come."""

    body: bytes
    status: int = 200
    length: int | None = None
    asked: list[str] = field(default_factory=list)

    def __enter__(self) -> Gateway:
        gateway = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                gateway.asked.append(self.headers["authorization"])
                self.send_response(gateway.status)
                length = len(gateway.body) if gateway.length is None else gateway.length
                self.send_header("content-length", str(length))
                self.end_headers()
                self.wfile.write(gateway.body)

            def log_message(self, format: str, *words: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"


@pytest.fixture
async def layer(store: ContentStore) -> LayerBody:
    cid = await add_bytes(store.api, DATA)
    return LayerBody(diff_id=f"sha256:{hashlib.sha256(DATA).hexdigest()}", cid=cid, bytes=len(DATA))


@pytest.fixture
async def car(store: ContentStore, layer: LayerBody) -> bytes:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"{store.gateway}/ipfs/{layer.cid}", params={"format": "car"})
    return answer.content


async def fetch(layer: LayerBody, path: Path, *gateways: Gateway) -> None:
    async def session(_: str) -> Signed:
        return Signed(ZERO_ADDRESS, "a-token", time.monotonic() + 60)

    await SchedulerImages([one.url for one in gateways], session).layer(layer, path)


def swapped(car: bytes) -> bytes:
    return car[:-1] + bytes([car[-1] ^ 1])


async def test_a_layer_comes_whole_and_with_the_links_token(
    layer: LayerBody, car: bytes, tmp_path: Path
) -> None:
    with Gateway(car) as gateway:
        await fetch(layer, tmp_path / "layer", gateway)
    assert (tmp_path / "layer").read_bytes() == DATA
    assert gateway.asked == ["Bearer a-token"]


LIES: dict[str, tuple[Callable[[bytes], Gateway], type[DraasError]]] = {
    "a byte is another": (lambda car: Gateway(swapped(car)), WrongBytes),
    "a page": (lambda _: Gateway(b"<html>" * 1000), WrongBytes),
    "nothing": (lambda _: Gateway(b""), WrongBytes),
    "more than all": (lambda car: Gateway(car + car[200:]), WrongBytes),
    "it breaks off": (lambda car: Gateway(car[:-9], length=len(car)), Unavailable),
    "its blocks are too few": (lambda car: Gateway(car[: len(car) // 2]), Unavailable),
    "it has nothing": (lambda _: Gateway(b"", 404), NotFound),
    "it sends elsewhere": (lambda _: Gateway(b"", 302), Unavailable),
    "it fails": (lambda _: Gateway(b"", 503), Unavailable),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_gateway_that_lies_or_fails_is_found_out_and_the_next_one_asked(
    lie: str, layer: LayerBody, car: bytes, tmp_path: Path
) -> None:
    make, kind = LIES[lie]
    with make(car) as bad, Gateway(car) as good:
        with pytest.raises(kind):
            await fetch(layer, tmp_path / "layer", bad)
        await fetch(layer, tmp_path / "layer", bad, good)
    assert (tmp_path / "layer").read_bytes() == DATA


async def test_the_word_of_an_image_is_read_with_care() -> None:
    async def session(_: str) -> Signed:
        return Signed(ZERO_ADDRESS, "", time.monotonic() + 60)

    for body in (b"", b"[]", b"{}", b'{"digest": 1}', b"x" * 2_000_000):
        with Gateway(body) as gateway:
            images = SchedulerImages([gateway.url], session)
            with pytest.raises(Unavailable):
                await images._ask(gateway.url, "sha256:" + "0" * 64)  # type: ignore[arg-type]
