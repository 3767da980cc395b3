"""Which name servers a job with a network asks.

Those of this machine often have a private address, which the fence drops, or know the names of the provider's own
network, which are none of a job's business. So a job asks public ones.
"""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address
from pathlib import Path

PUBLIC = ("1.1.1.1", "8.8.8.8")  # where this machine's own cannot be used
RESOLV_CONF = Path("/etc/resolv.conf")
MOST = 3  # that are ever asked


def of_this_machine() -> tuple[str, ...]:
    """`resolvers` of this machine's own settings."""
    try:
        return resolvers(RESOLV_CONF.read_text())
    except OSError:
        return PUBLIC


def resolvers(resolv_conf: str) -> tuple[str, ...]:
    """The machine's own name servers that have a public address, or well-known ones."""
    lines = (line.split() for line in resolv_conf.splitlines())
    named = [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]
    return tuple(name for name in named if is_public(name))[:MOST] or PUBLIC


def is_public(address: str) -> bool:
    """Whether this is an IPv4 address of the internet."""
    try:
        return IPv4Address(address).is_global
    except AddressValueError:
        return False
