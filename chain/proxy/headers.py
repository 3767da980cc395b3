"""Which headers pass, each way. Pure.

Headers that are for one connection alone (RFC 9110, 7.6.1) never do. Where many services share one origin with pages
that hold a session (`Front.shared`), nothing passes by which one could act on the origin or on another: no cookies
either way, and every answer is sandboxed, so that a page of it is of no origin at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Headers = list[tuple[bytes, bytes]]

_HOP = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te",
        b"trailer", b"transfer-encoding", b"upgrade", b"expect",
    }
)  # fmt: skip
_TOLD_BY_US = frozenset(
    {
        b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-prefix",
        b"x-forwarded-port", b"x-forwarded-server", b"x-real-ip",
    }
)  # fmt: skip
_OF_OUR_SERVER = frozenset({b"date", b"server"})  # it sets them itself
_OF_THE_ORIGIN = frozenset(
    {
        b"set-cookie", b"clear-site-data", b"strict-transport-security", b"alt-svc", b"service-worker-allowed",
        b"nel", b"report-to", b"reporting-endpoints", b"origin-agent-cluster", b"public-key-pins",
    }
)  # fmt: skip
SANDBOX = b"sandbox allow-scripts allow-forms allow-popups allow-downloads"
OWN_COOKIE = "draas_session"
_OWN_TOKENS = (b"bearer v1.consumer.", b"bearer v1.agent.", b"bearer ticket.")


@dataclass(frozen=True, slots=True)
class Front:
    """How a request came to us.

    Args:
        scheme: http or https.
        host: as the visitor wrote it.
        client: the visitor's network address.
        prefix: of the path, which the service does not see; "" when it has a host name of its own.
    """

    scheme: str
    host: str
    client: str
    prefix: str = ""

    @property
    def shared(self) -> bool:
        """Whether the origin is that of other services, and of our own pages, too."""
        return bool(self.prefix)


def request_headers(given: Iterable[tuple[bytes, bytes]], front: Front) -> Headers:
    """A visitor's headers as the service gets them; names in lower case."""
    items = [(name.lower(), value) for name, value in given]
    named = _named(items)
    chunked = any(name == b"transfer-encoding" for name, _ in items)
    kept: Headers = []
    for name, value in items:
        if name in _HOP or name in _TOLD_BY_US or name in named or name == b"host":
            continue
        if name == b"content-length" and chunked:
            continue  # RFC 9112, 6.3: the other one counts
        if name == b"cookie":
            value = b"" if front.shared else _cookies(value)
        if name == b"authorization" and value.lower().startswith(_OWN_TOKENS):
            continue
        if value or name != b"cookie":
            kept.append((name, value))
    if chunked:
        kept.append((b"transfer-encoding", b"chunked"))
    return [*_ours(front), *kept]


def _ours(front: Front) -> Headers:
    told = [
        (b"host", front.host),
        (b"x-forwarded-for", front.client),
        (b"x-forwarded-host", front.host),
        (b"x-forwarded-proto", front.scheme),
    ]
    told += [(b"x-forwarded-prefix", front.prefix)] if front.prefix else []
    return [(name, value.encode("latin-1", "replace")) for name, value in told]


def response_headers(given: Iterable[tuple[bytes, bytes]], front: Front) -> Headers:
    """A service's headers as its visitor gets them."""
    items = [(name.lower(), value) for name, value in given]
    stops = _HOP | _OF_OUR_SERVER | _named(items) | (_OF_THE_ORIGIN if front.shared else set())
    kept = [(name, value) for name, value in items if name not in stops]
    if not front.shared:
        return [(n, _host_only(v) if n == b"set-cookie" else v) for n, v in kept]
    prefix = front.prefix.encode("latin-1", "replace")
    kept = [(n, _within(v, prefix) if n == b"location" else v) for n, v in kept]
    kept.append((b"content-security-policy", SANDBOX))
    kept = [pair for pair in kept if pair[0] != b"x-content-type-options"]
    kept.append((b"x-content-type-options", b"nosniff"))
    if not any(name == b"access-control-allow-origin" for name, _ in kept):
        kept.append((b"access-control-allow-origin", b"*"))  # a sandboxed page is cross-origin
    return kept


def _named(items: Headers) -> set[bytes]:
    """Headers that `Connection` names as being for this connection."""
    lines = [value for name, value in items if name == b"connection"]
    return {word.strip().lower() for line in lines for word in line.split(b",")} - {b"host"}


def _cookies(value: bytes) -> bytes:
    """Without our own."""
    parts = [part.strip() for part in value.split(b";")]
    own = OWN_COOKIE.encode()
    return b"; ".join(part for part in parts if part and part.partition(b"=")[0].strip() != own)


def _host_only(value: bytes) -> bytes:
    """A cookie for the service's own name alone, not for all below the domain."""
    parts = [part.strip() for part in value.split(b";")]
    first, rest = parts[0], parts[1:]
    return b"; ".join([first, *(one for one in rest if not one.lower().startswith(b"domain"))])


def _within(location: bytes, prefix: bytes) -> bytes:
    """A redirect to a path of the service, below its prefix."""
    inside = location.startswith(b"/") and not location.startswith(b"//")
    return prefix + location if inside and not location.startswith(prefix + b"/") else location
