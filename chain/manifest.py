"""`draas.yaml`: what a bundle says about how it wants to run.

Words are Compose's where Compose has one. Everything has a default, so a folder without one runs too.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, Decimal, InvalidOperation
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from chain.errors import InvalidInput
from chain.job import MAX_RATE, Rates, Resources

MANIFEST_NAME = "draas.yaml"
MAX_MANIFEST_BYTES = 64 * 1024
TOKEN_DECIMALS = 18

_SIZE = re.compile(r"^(\d{1,12}(?:\.\d{1,3})?)\s*([kmg]?)i?b?$", re.IGNORECASE)
_SIZE_BYTES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_TIME = re.compile(r"^(\d{1,9})\s*([smhd]?)$", re.IGNORECASE)
_TIME_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def _size_bytes(value: str) -> Decimal:
    match = _SIZE.match(value.strip())
    if match is None:
        raise ValueError(f"{value!r} is not a size; write it like 256M or 2G")
    return Decimal(match[1]) * _SIZE_BYTES[match[2].lower()]


def _mib(value: str) -> int:
    """A size as whole MiB, rounded up."""
    return int((_size_bytes(value) / 1024**2).to_integral_value(ROUND_CEILING))


def _kib(value: str) -> int:
    """A size as whole KiB, rounded up."""
    return int((_size_bytes(value) / 1024).to_integral_value(ROUND_CEILING))


def _seconds(value: str) -> int:
    match = _TIME.match(value.strip())
    if match is None:
        raise ValueError(f"{value!r} is not a time; write it like 90s, 10m or 2h")
    return int(match[1]) * _TIME_S[match[2].lower()]


def _text(value: object) -> object:
    """YAML reads `10` as a number where `10m` is text; both are written the same way."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _decimal(value: object) -> Decimal:
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a number") from None
    if not number.is_finite() or not 0 <= number < 10**12:
        raise ValueError(f"{value!r} is out of range")
    return number


def _measure(read: Callable[[str], int], least: int, most: int) -> AfterValidator:
    """Keep the text as written, once it is known to read as a number within bounds."""

    def check(value: str) -> str:
        if not least <= read(value) <= most:
            raise ValueError(f"{value!r} is out of range")
        return value

    return AfterValidator(check)


def _words(value: object) -> object:
    return shlex.split(value) if isinstance(value, str) else value


_Strict = ConfigDict(extra="forbid", frozen=True)
_Word = Annotated[str, Field(max_length=4096)]
_EnvName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
_EnvValue = Annotated[str, BeforeValidator(_text), Field(max_length=32 * 1024)]
_Words = Annotated[list[_Word], Field(max_length=256)]
_Price = Annotated[Decimal, BeforeValidator(_decimal)]
_Measure = Annotated[str, BeforeValidator(_text)]
_AttributeName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]
_AttributeValue = Annotated[
    str, BeforeValidator(_text), Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,62}$")
]
# What an agent says of itself and a job asks for, such as region: eu; compared letter by letter.
Attributes = Annotated[dict[_AttributeName, _AttributeValue], Field(max_length=32)]


class ResourceSpec(BaseModel):
    """What the job reserves, and is at most billed for."""

    model_config = _Strict

    cpus: Annotated[Decimal, BeforeValidator(_decimal), Field(ge=Decimal("0.01"), le=512)] = (
        Decimal(1)
    )
    memory: Annotated[_Measure, _measure(_mib, 16, 4 * 1024**2)] = "256M"
    egress: Annotated[_Measure, _measure(_kib, 0, 10 * 1024**2)] = "0"  # a second; 0: no network
    disk: Annotated[_Measure, _measure(_mib, 1, 1024**2)] = "64M"  # writable space

    @property
    def disk_mib(self) -> int:
        """Writable space in MiB."""
        return _mib(self.disk)


class MarketSpec(BaseModel):
    """The most the consumer pays, in tokens, and what an agent must be to be asked."""

    model_config = _Strict

    cpu_hour: _Price = Decimal("0.1")  # one core for an hour
    memory_gib_hour: _Price = Decimal("0.02")
    egress_gib: _Price = Decimal("0.05")
    hour: _Price = Decimal("0.05")  # the machine for an hour
    attributes: Attributes = {}  # the agent must have all of them


class Manifest(BaseModel):
    """A whole `draas.yaml`."""

    model_config = _Strict

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]{0,62}$")] = "job"
    command: Annotated[_Words | None, BeforeValidator(_words)] = None
    environment: Annotated[dict[_EnvName, _EnvValue], Field(max_length=256)] = {}
    resources: ResourceSpec = ResourceSpec()
    duration: Annotated[_Measure, _measure(_seconds, 1, 365 * 86400)] = "10m"  # of running, in all
    claim_within: Annotated[_Measure, _measure(_seconds, 5, 30 * 86400)] = (
        "10m"  # else the deposit returns
    )
    results: Annotated[str, Field(pattern=r"^/[A-Za-z0-9._/-]{1,254}$")] = "/output"
    logs: Literal["private", "public"] = "private"  # who may read them, beside the parties
    market: MarketSpec = MarketSpec()

    def reserved(self) -> Resources:
        """What goes on-chain as the job's resources."""
        spec = self.resources
        millis = int((spec.cpus * 1000).to_integral_value(ROUND_CEILING))
        return Resources(
            cpu_millis=millis, memory_mib=_mib(spec.memory), egress_kib_s=_kib(spec.egress)
        )

    @property
    def duration_s(self) -> int:
        """Seconds the job may run in all."""
        return _seconds(self.duration)

    @property
    def claim_within_s(self) -> int:
        """Seconds for which the job waits to be claimed."""
        return _seconds(self.claim_within)

    def max_rates(self) -> Rates:
        """The price limits in base units for one unit of each metric, rounded down."""
        market = self.market
        return Rates(
            cpu_ms=_rate_down(market.cpu_hour, 3_600_000),
            memory_mib_s=_rate_down(market.memory_gib_hour, 1024 * 3600),
            egress_kib=_rate_down(market.egress_gib, 1024**2),
            wall_s=_rate_down(market.hour, 3600),
        )


def _rate_down(tokens: Decimal, units: int) -> int:
    rate = int((tokens * 10**TOKEN_DECIMALS / units).to_integral_value(ROUND_DOWN))
    if rate > MAX_RATE:
        raise InvalidInput(
            f"A price of {tokens} tokens does not fit.", "Lower the price in the market section."
        )
    return rate


def parse_manifest(text: bytes | str) -> Manifest:
    """Read a manifest.

    Raises:
        InvalidInput: not YAML, an unknown key, or a value out of range; the message names the keys.
    """
    if len(text) > MAX_MANIFEST_BYTES:
        raise InvalidInput(
            f"{MANIFEST_NAME} is larger than {MAX_MANIFEST_BYTES // 1024} KiB.", "Shorten it."
        )
    try:
        data = yaml.load(text, Loader=_NoAliasLoader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise InvalidInput(
            f"{MANIFEST_NAME} is not valid YAML: {error}", "Correct it at the place named."
        ) from None
    if data is None:
        return Manifest()
    if not isinstance(data, dict):
        raise InvalidInput(f"{MANIFEST_NAME} is not a mapping.", "Write it as `key: value` lines.")
    try:
        return Manifest.model_validate(data)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InvalidInput(f"{MANIFEST_NAME}: {faults}.", "Correct the keys named.") from None


class _NoAliasLoader(yaml.SafeLoader):
    """Refuses aliases, by which a few lines can stand for gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not allowed")
        return super().compose_node(parent, index)
