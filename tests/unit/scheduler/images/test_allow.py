"""What a build may reach: hosts on a list, at addresses that are public."""

from __future__ import annotations

import pytest

from chain.errors import InvalidInput, NotAllowed
from scheduler.images.allow import Place, check_place, reachable, read_place

INWARDS = [
    "127.0.0.1", "10.0.0.1", "172.17.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "::ffff:10.0.0.1", "2002:0a00:0001::1",
    "64:ff9b::a00:1", "ff02::1",
]  # fmt: skip


def test_a_place_is_a_name_with_the_ports_of_the_web_or_one_of_its_own() -> None:
    assert read_place(" Index.Example ") == Place("index.example", (80, 443))
    assert read_place("10.0.0.7:3141") == Place("10.0.0.7", (3141,))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "*.index.example",
        "http://index.example",
        "a b",
        "a:0",
        "a:65536",
        "a:x",
        "a:",
        ":80",
    ],
)
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_place(text)


@pytest.mark.parametrize(
    ("host", "port"),
    [("index.example", 22), ("evil.index.example", 443), ("index.example.evil", 443), ("", 443)],
)
def test_what_is_not_on_the_list_is_refused(host: str, port: int) -> None:
    with pytest.raises(NotAllowed):
        check_place([read_place("index.example")], host, port)


def test_a_listed_host_is_found_however_its_name_is_written() -> None:
    check_place([read_place("index.example")], "Index.Example.", 443)


@pytest.mark.parametrize("address", INWARDS)
def test_a_name_that_resolves_inwards_is_refused_and_an_address_on_the_list_is_not(
    address: str,
) -> None:
    with pytest.raises(NotAllowed):
        reachable("index.example", [address])
    assert reachable(address, [address]) == [address]


def test_of_several_addresses_only_public_ones_are_dialled() -> None:
    assert reachable("index.example", ["10.0.0.1", "151.101.0.223"]) == ["151.101.0.223"]
