"""Who a request says it is for and from: the Host and Origin headers, and the client's address behind proxies. Pure.

A page elsewhere can make a browser send requests here, with cookies (forgery) or under a name of its own that points
at this machine (rebinding). An address in numbers cannot be rebound, so only names are held against the list.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class Names:
    """By which names this scheduler is reached.

    Args:
        hosts: lower case, with a port or without (then with any); IPv6 in brackets.
        origins: of front ends elsewhere, as `scheme://host[:port]`.
        port: of this process; names without one in `hosts` are believed for sign-in on this port alone when they are
            loopback names.
        proxies: networks whose X-Forwarded-For is believed.
    """

    hosts: frozenset[str]
    origins: frozenset[str]
    port: int
    proxies: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    def serves(self, host: str) -> bool:
        """Whether a request with this Host header is meant for us."""
        name, port = _split(host)
        if not name:
            return False
        return _is_number(name) or self._listed(name, port)

    def domains(self, host: str) -> set[str]:
        """What an EIP-4361 message may name as its domain, when it comes with this Host header: names of ours only,
        and at this port, since another program may listen at the next one."""
        found = {urlsplit(origin).netloc for origin in self.origins}
        name, port = _split(host)
        of_this_machine = name in LOOPBACK_NAMES and port == str(self.port)
        exact = name not in LOOPBACK_NAMES and self._listed(name, port)
        return found | ({host.lower()} if of_this_machine or exact else set())

    def _listed(self, name: str, port: str) -> bool:
        return name in self.hosts or f"{name}:{port}" in self.hosts

    def own_origin(self, origin: str, host: str) -> bool:
        """Whether a page of this origin is ours or one of the front ends that were named."""
        if origin in self.origins:
            return True
        parts = urlsplit(origin)
        return parts.scheme in _PORTS and parts.netloc.lower() == host.lower()

    def client(self, peer: str, forwarded: Sequence[str]) -> str:
        """The client's address: the peer's, or what trusted proxies say; of IPv6, the network of 64 bits."""
        told = [part.strip() for line in forwarded for part in line.split(",")]
        address = peer
        while told and self._trusts(address):
            address = told.pop()
        number = _number(address)
        if number is None:
            return peer
        if isinstance(number, ipaddress.IPv6Address):
            return str(number.ipv4_mapped or ipaddress.IPv6Address(int(number) >> 64 << 64))
        return str(number)

    def _trusts(self, address: str) -> bool:
        number = _number(address)
        return number is not None and any(number in network for network in self.proxies)


def names_of(
    host: str, port: int, hosts: Collection[str], origins: Collection[str], proxies: Collection[str]
) -> Names:
    """From settings: where this process listens, and what was added.

    Raises:
        ValueError: a proxy is no address or network.
    """
    known = LOOPBACK_NAMES | {name.lower() for name in hosts}
    if not _is_any(host):
        known |= {f"[{host}]" if ":" in host else host.lower()}
    networks = tuple(ipaddress.ip_network(proxy, strict=False) for proxy in proxies)
    return Names(frozenset(known), frozenset(origins), port, networks)


def _split(host: str) -> tuple[str, str]:
    """Name and port of a Host header; ("", "") when it is none."""
    try:
        parts = urlsplit(f"//{host}")
        port = parts.port
    except ValueError:
        return "", ""
    if not parts.hostname or parts.username is not None or parts.path or parts.query:
        return "", ""
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return name.lower(), "" if port is None else str(port)


def _number(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address in numbers; None when it is none."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _is_number(name: str) -> bool:
    return _number(name.strip("[]")) is not None


def _is_any(host: str) -> bool:
    number = _number(host)
    return number is not None and number.is_unspecified
