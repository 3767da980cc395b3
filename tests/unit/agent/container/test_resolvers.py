"""A job asks name servers of the internet, never those of the provider's own network."""

from __future__ import annotations

import pytest

from agent.container.resolvers import PUBLIC, resolvers


@pytest.mark.parametrize(
    "own",
    ["", "nameserver 127.0.0.53", "nameserver 10.0.0.2\nnameserver 192.168.1.1", "nameserver fe80::1%eth0",
     "nameserver 169.254.169.253", "nameserver", "#nameserver 9.9.9.9", "nameserver 100.64.0.1"],
)  # fmt: skip
def test_private_ones_are_not_asked(own: str) -> None:
    assert resolvers(own) == PUBLIC


def test_public_ones_of_the_machine_are() -> None:
    own = "search x\nnameserver 10.0.0.2\n nameserver 9.9.9.9\nnameserver 1.0.0.1 \n"
    own += "nameserver 8.8.4.4\nnameserver 4.4.4.4"
    assert resolvers(own) == ("9.9.9.9", "1.0.0.1", "8.8.4.4")
