"""Services that do not behave, and visitors that go: what the visitor is told, and what is let go of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from chain.errors import DraasError
from chain.proxy.headers import Front
from chain.proxy.http import Asked, Exchange, Patience
from chain.proxy.pipe import Broken, TooSlow
from tests.unit.chain.proxy.timeless import run

FRONT = Front("http", "here", "192.0.2.1")
PATIENCE = Patience(answer=60, idle=300, taken=60)


class Service:
    """What a service says, piece by piece, whatever it is asked."""

    def __init__(self, *says: bytes, silent: bool = False) -> None:
        self._says = list(says)
        self._silent = silent
        self.heard = b""

    async def read(self) -> bytes:
        if self._says:
            return self._says.pop(0)
        if self._silent:
            await asyncio.Event().wait()
        return b""

    async def write(self, data: bytes) -> None:
        self.heard += data

    async def write_eof(self) -> None:
        return

    def close(self) -> None:
        return


async def carried(
    service: Service, method: str = "GET", body: tuple[bytes, ...] = (b"",), goes: bool = False
) -> list[dict[str, Any]]:
    """What the visitor is sent."""
    sent: list[dict[str, Any]] = []
    left = list(body)

    async def receive() -> Any:
        if left:
            piece = left.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(left)}
        if goes:
            return {"type": "http.disconnect"}
        return await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(dict(message))

    given = [(b"transfer-encoding", b"chunked")] if method == "POST" else []
    asked = Asked(method, b"/x?y=1", given, FRONT)
    await Exchange(service, asked, PATIENCE).carry(receive, send)
    return sent


WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


def test_a_request_goes_as_it_came_and_its_answer_too() -> None:
    service = Service(WHOLE)
    sent = run(carried(service, "POST", (b"ab", b"cde")))
    assert service.heard.startswith(b"POST /x?y=1 HTTP/1.1\r\n")
    assert service.heard.lower().endswith(b"\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n")
    assert [message.get("status") for message in sent] == [200, None, None]
    assert sent[1]["body"] == b"hi"
    assert sent[2]["more_body"] is False


def test_hints_before_the_answer_are_passed_over() -> None:
    sent = run(carried(Service(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", WHOLE)))
    assert sent[0]["status"] == 200


def test_an_answer_to_head_has_no_body() -> None:
    sent = run(carried(Service(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"), "HEAD"))
    assert [message.get("body", b"") for message in sent] == [b"", b""]


@pytest.mark.parametrize(
    ("service", "error"),
    [
        (lambda: Service(), Broken),
        (lambda: Service(b"SSH-2.0-OpenSSH\r\n\r\n"), Broken),
        (lambda: Service(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"), Broken),
        (lambda: Service(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000), Broken),
        (lambda: Service(b"HTTP/1.1 200 OK\r\nX", silent=True), TooSlow),
        (lambda: Service(*[b"HTTP/1.1 103 Hint\r\n\r\n"] * 9, silent=True), TooSlow),
    ],
    ids=["gone", "no HTTP", "upgraded unasked", "endless head", "half a head", "hints alone"],
)
def test_what_is_no_answer_is_an_error_of_the_service(
    service: Callable[[], Service], error: type[DraasError]
) -> None:
    with pytest.raises(error):
        run(carried(service()))


@pytest.mark.parametrize("silent", [True, False], ids=["falls silent", "breaks off"])
def test_half_an_answer_is_never_finished(silent: bool) -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
    sent = run(carried(Service(half, silent=silent)))
    assert sent[-1] == {"type": "http.response.body", "body": b"half", "more_body": True}


def test_an_upload_may_take_longer_than_an_answer() -> None:
    class Slow(Service):
        async def read(self) -> bytes:
            while b"0\r\n\r\n" not in self.heard:
                await asyncio.sleep(1)
            return await super().read()

    service, sent = Slow(WHOLE), list[Any]()
    left = [b"piece"] * 5

    async def receive() -> Any:
        await asyncio.sleep(PATIENCE.answer / 2)
        if not left:
            return await asyncio.Event().wait()
        return {"type": "http.request", "body": left.pop(), "more_body": bool(left)}

    async def send(message: Any) -> None:
        sent.append(message)

    asked = Asked("POST", b"/", [(b"transfer-encoding", b"chunked")], FRONT)

    async def carry() -> None:
        await Exchange(service, asked, PATIENCE).carry(receive, send)

    run(carry())
    assert sent[0]["status"] == 200


def test_when_the_visitor_goes_nothing_is_waited_for() -> None:
    assert run(carried(Service(silent=True), goes=True)) == []
