"""Where an IPFS node is: as a multiaddr, a URL, or host and port."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from chain.errors import InvalidInput

_MULTIADDR = re.compile(r"^/(ip4|ip6|dns|dns4|dns6)/[^/\s]+/tcp/\d{1,5}(/https?)?$")
_NAME = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$")


def multiaddr_of(text: str) -> str:
    """The multiaddr of a node's RPC.

    Raises:
        InvalidInput: none of the three forms.
    """
    text = text.strip()
    if _MULTIADDR.match(text):
        return text
    url = urlsplit(text if "://" in text else f"http://{text}")
    try:
        host, port = url.hostname or "", url.port
    except ValueError:
        host, port = "", None
    if (
        url.scheme not in {"http", "https"}
        or not host
        or not port
        or url.path not in {"", "/"}
        or url.username
    ):
        raise InvalidInput(f"{text[:200]!r} is not the address of an IPFS node.", _FIX)
    return f"/{_kind(host, text)}/{host}/tcp/{port}/{url.scheme}"


_FIX = "Write IPFS_API like /ip4/127.0.0.1/tcp/5001 or http://127.0.0.1:5001."


def _kind(host: str, text: str) -> str:
    try:
        return f"ip{ipaddress.ip_address(host).version}"
    except ValueError:
        if _NAME.match(host):
            return "dns"
    raise InvalidInput(f"{text[:200]!r} is not the address of an IPFS node.", _FIX)
