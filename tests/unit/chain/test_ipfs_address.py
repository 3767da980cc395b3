"""The forms in which the address of an IPFS node is written."""

from __future__ import annotations

import pytest

from chain.errors import InvalidInput
from chain.ipfs_address import multiaddr_of


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("/ip4/127.0.0.1/tcp/5001", "/ip4/127.0.0.1/tcp/5001"),
        ("/dns/kubo/tcp/5001/http", "/dns/kubo/tcp/5001/http"),
        ("http://127.0.0.1:5001", "/ip4/127.0.0.1/tcp/5001/http"),
        ("http://localhost:5001/", "/dns/localhost/tcp/5001/http"),
        ("https://kubo.example:443", "/dns/kubo.example/tcp/443/https"),
        ("http://[::1]:5001", "/ip6/::1/tcp/5001/http"),
        (" localhost:5001\n", "/dns/localhost/tcp/5001/http"),
    ],
)
def test_an_address_becomes_a_multiaddr(text: str, address: str) -> None:
    assert multiaddr_of(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kubo",
        "http://kubo",
        "ftp://kubo:1",
        "http://a:b@kubo:5001",
        "http://kubo:5001/path",
        "/ip4/127.0.0.1/udp/5001",
        "http://kubo:99999",
        "http://ku bo:5001",
        "http://a/b:5001",
    ],
)
def test_anything_else_is_refused_with_the_forms_that_are_not(text: str) -> None:
    with pytest.raises(InvalidInput) as told:
        multiaddr_of(text)
    assert "/ip4/127.0.0.1/tcp/5001" in told.value.fix
