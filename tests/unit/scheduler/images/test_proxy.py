"""How a request to the proxy is read: its target, and what is passed on."""

from __future__ import annotations

import pytest

from chain.errors import InvalidInput
from scheduler.images.proxy import read_head


def test_a_request_is_passed_on_to_the_host_in_its_address_whatever_its_headers_say() -> None:
    head = (
        b"GET http://Index.Example/simple/?a=1 HTTP/1.1\r\nHost: evil\r\nProxy-Authorization: x\r\n"
        b"Connection: keep-alive\r\nAccept: */*\r\n\r\n"
    )
    asked = read_head(head)
    assert (asked.host, asked.port) == ("index.example", 80)
    assert asked.head == (
        b"GET /simple/?a=1 HTTP/1.1\r\nHost: index.example\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )


def test_a_tunnel_names_host_and_port_and_passes_nothing_on() -> None:
    asked = read_head(b"CONNECT files.example:443 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (asked.host, asked.port, asked.head) == ("files.example", 443, b"")


@pytest.mark.parametrize(
    "line",
    [b"GET / HTTP/1.1", b"GET ftp://a/ HTTP/1.1", b"CONNECT :443 HTTP/1.1", b"CONNECT a:99999 HTTP/1.1", b"nonsense",
     b"GET http:///x HTTP/1.1", b"GET http://[::1/ HTTP/1.1", b"GET https://a/ HTTP/1.1", b"GET http://\xff/ HTTP/1.1"],
)  # fmt: skip
def test_what_no_proxy_is_asked_is_refused(line: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_head(line + b"\r\n\r\n")
