"""Settings from the environment: read once, all faults told at once."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from urllib.parse import urlsplit

from chain.errors import InvalidInput

DEFAULT_HOME = "~/.draas"
DEFAULT_RPC_URL = "http://127.0.0.1:8545"
NODE_SCHEMES = ("http", "https", "ws", "wss")
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - hosts of one who listens on every address
_REGISTRY = re.compile(r"[a-z0-9]([a-z0-9.-]{0,200}[a-z0-9])?(:[1-9][0-9]{0,4})?")
_YES, _NO = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


class Env:
    """Reads variables and collects what is wrong with them; `done` tells it all.

    An unset or empty variable gives the default.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._faults: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        """As it stands."""
        return self._environ.get(name) or default

    def required(self, name: str) -> str:
        """Must be set."""
        value = self._environ.get(name, "")
        if not value:
            self.fault(f"{name} is not set")
        return value

    def whole(self, name: str, default: int, low: int = 0, high: int = 2**63 - 1) -> int:
        """A whole number from `low` to `high`."""
        text = self._environ.get(name)
        if not text:
            return default
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            self.fault(f"{name} is {text!r}, not a whole number from {low} to {high}")
            return default
        return value

    def decimal(self, name: str, default: Decimal, low: Decimal, high: Decimal) -> Decimal:
        """A number from `low` to `high`."""
        text = self._environ.get(name)
        if not text:
            return default
        try:
            value = Decimal(text)
        except InvalidOperation:
            value = Decimal("NaN")
        if not (value.is_finite() and low <= value <= high):
            self.fault(f"{name} is {text!r}, not a number from {low} to {high}")
            return default
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """Yes or no."""
        text = self._environ.get(name)
        if not text:
            return default
        if text.lower() not in _YES | _NO:
            self.fault(f"{name} is {text!r}, neither yes nor no")
        return text.lower() in _YES

    def choice(self, name: str, default: str, allowed: Collection[str]) -> str:
        """One of some words."""
        value = self.text(name, default)
        if value not in allowed:
            self.fault(f"{name} is {value!r}, not one of {', '.join(sorted(allowed))}")
            return default
        return value

    def url(
        self, name: str, default: str = "", schemes: Collection[str] = ("http", "https")
    ) -> str:
        """An address of one of these schemes; what is in it is not told, since it may hold a key."""
        value = self.text(name, default)
        if value and not _is_url(value, schemes):
            self.fault(f"{name} is no address that begins with {' or '.join(schemes)}")
        return value

    def urls(
        self, name: str, default: str = "", schemes: Collection[str] = ("http", "https")
    ) -> str:
        """One or more such addresses, separated by commas; what is in them is not told either."""
        parts = [part.strip() for part in self.text(name, default).split(",")]
        if len(parts) == 1:
            return self.url(name, default, schemes)
        for place, part in enumerate(parts, 1):
            if not part or not _is_url(part, schemes):
                self.fault(
                    f"{name}: at place {place} is no address that begins with {' or '.join(schemes)}"
                )
        return ",".join(parts)

    def origin(self, name: str, default: str, example: str) -> str:
        """An address with nothing after its host and port; "" where that is the default."""
        value = self.text(name, default).rstrip("/")
        if value and not is_origin(value):
            self.fault(f"{name} is not like {example}")
        return value

    def path(self, name: str, default: str) -> Path:
        """A path, ~ for the home folder."""
        return Path(self.text(name, default)).expanduser().resolve()

    def fault(self, what: str) -> None:
        """Something is wrong, in words without a full stop."""
        self._faults.append(what)

    def done(self) -> None:
        """All is read.

        Raises:
            InvalidInput: naming every fault found.
        """
        if self._faults:
            raise InvalidInput(
                "; ".join(self._faults) + ".", "Correct the environment and start again."
            )


@dataclass(frozen=True, slots=True)
class ChainSettings:
    """Where the chain and our files are."""

    rpc_url: str  # of one node, or of several, separated by commas
    home: Path

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> ChainSettings:
        """From RPC_URL and DRAAS_HOME.

        Raises:
            InvalidInput: RPC_URL is no address.
        """
        env = Env(environ)
        settings = cls.read_with(env)
        env.done()
        return settings

    @classmethod
    def read_with(cls, env: Env) -> ChainSettings:
        """As part of other settings; faults are left to them."""
        rpc_url = env.urls("RPC_URL", DEFAULT_RPC_URL, NODE_SCHEMES)
        return cls(rpc_url, env.path("DRAAS_HOME", DEFAULT_HOME))


def home_of(environ: Mapping[str, str]) -> Path:
    """DRAAS_HOME, else ~/.draas."""
    return Env(environ).path("DRAAS_HOME", DEFAULT_HOME)


def is_origin(text: str) -> bool:
    """Whether it is an address of HTTP with nothing after its host and port."""
    parts = urlsplit(text) if _is_url(text, ("http", "https")) else None
    return parts is not None and text == f"{parts.scheme}://{parts.netloc}"


def is_registry(text: str) -> bool:
    """Whether it names a registry of images, as the Docker Engine tells one from a name on Docker Hub: by host, with
    a dot or a port, or localhost."""
    named = _REGISTRY.fullmatch(text) is not None
    return named and ("." in text or ":" in text or text == "localhost")


def url_at(host: str, port: int) -> str:
    """The address of an HTTP server by where it listens."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _is_url(text: str, schemes: Collection[str]) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
