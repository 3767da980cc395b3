"""Which places on the network a build may reach. Pure.

A place is a host by name, or by address where the operator means one in a private network. A name is resolved here,
never by the build, and what it resolves to has to be public: a name that points inwards opens nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from chain.errors import InvalidInput, NotAllowed

PORTS = (80, 443)
_NAME = re.compile(r"^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,62})(?:\.[a-z0-9][a-z0-9-]{0,62})*$")
_NAT64 = ("64:ff9b::", "64:ff9b:1::")


@dataclass(frozen=True, slots=True)
class Place:
    """A host, as a name in lower case or an address, and the ports of it that may be asked."""

    host: str
    ports: tuple[int, ...] = PORTS


def read_place(text: str) -> Place:
    """A place as the operator writes it: `index.example`, `mirror.example:8443`, `10.0.0.7:3141`.

    Raises:
        InvalidInput: it is none.
    """
    host, separator, port = text.strip().lower().rpartition(":")
    if not separator:
        host, port = port, ""
    known = _NAME.match(host) is not None and len(host) <= 253
    if not known or (
        separator and not (port.isascii() and port.isdigit() and 0 < int(port) < 2**16)
    ):
        raise InvalidInput(f"{text[:80]!r} is no host.", "Write a name, or a name and a port.")
    return Place(host, (int(port),) if port else PORTS)


def check_place(allowed: Iterable[Place], host: str, port: int) -> None:
    """Refuse what is not on the list.

    Raises:
        NotAllowed: with the place.
    """
    asked = host.lower().rstrip(".")
    if not any(place.host == asked and port in place.ports for place in allowed):
        raise NotAllowed(f"Builds may not reach {host[:253]}:{port}.", "Ask the operator for it.")


def reachable(host: str, resolved: Sequence[str]) -> list[str]:
    """The addresses that may be dialled for an allowed host: public ones, or the very address that the list names.

    Raises:
        NotAllowed: there is none.
    """
    found = [one for one in resolved if one == host or _is_public(ip_address(one))]
    if not found:
        raise NotAllowed(f"{host} is not at a public address.", "Allow it by its address instead.")
    return found


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    """Neither private, link-local, loopback, shared, multicast nor reserved, in whatever dress it comes."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None,))[0]
        if inner is not None:
            return _is_public(inner)
        if any(str(address).startswith(prefix) for prefix in _NAT64):
            return False
    return address.is_global and not address.is_multicast
