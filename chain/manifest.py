"""`draas.yaml`: what a bundle says about how it wants to run.

Words are Compose's where Compose has one. Everything has a default, so a folder without one runs too.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_DOWN, Decimal
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from chain.errors import InvalidInput
from chain.group import MAX_REPLICAS, MAX_VERIFY
from chain.job import MAX_RATE, Rates, Resources
from chain.manifest_words import as_restart, as_words, inside
from chain.measures import decimal_of, kib, measure, mib, seconds, text_of
from chain.secret_spec import Secrets, SecretSpec
from chain.yaml_text import YamlText, read_yaml

MANIFEST_NAME = "draas.yaml"
MAX_MANIFEST_BYTES = 64 * 1024
TOKEN_DECIMALS = 18
_FAULTS_TOLD = 10


IMAGE = (
    r"^[a-z0-9]+(?:[._/:-]+[a-z0-9]+)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
    r"(?:@sha256:[0-9a-f]{64})?$"
)

# What may be written, where it is not what is kept.
_TEXT = BeforeValidator(text_of, json_schema_input_type=str | int | float)
_NUMBER = BeforeValidator(decimal_of, json_schema_input_type=str | int | float)
_RESTART = BeforeValidator(as_restart, json_schema_input_type=str | bool | None)
_WORDS = BeforeValidator(as_words, json_schema_input_type=str | list[str] | None)

_Strict = ConfigDict(extra="forbid", frozen=True)
_Word = Annotated[str, Field(max_length=4096)]
_EnvName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
_EnvValue = Annotated[str, _TEXT, Field(max_length=32 * 1024)]
_Words = Annotated[list[_Word], Field(max_length=256)]
_Price = Annotated[Decimal, _NUMBER]
_Measure = Annotated[str, _TEXT]
_Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
_Restart = Annotated[str, Field(pattern=r"^(no|always|on-failure(:[1-9][0-9]{0,2})?)$")]
_AttributeName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]
_AttributeValue = Annotated[str, _TEXT, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,62}$")]
# What an agent says of itself and a job asks for, such as region: eu; compared letter by letter.
Attributes = Annotated[dict[_AttributeName, _AttributeValue], Field(max_length=32)]


class ResourceSpec(BaseModel):
    """What the job reserves, and is at most billed for."""

    model_config = _Strict

    cpus: Annotated[Decimal, _NUMBER, Field(ge=Decimal("0.01"), le=512)] = Decimal(1)
    memory: Annotated[_Measure, measure(mib, 16, 4 * 1024**2)] = "256M"
    egress: Annotated[_Measure, measure(kib, 0, 10 * 1024**2)] = "0"  # a second; 0: no network
    disk: Annotated[_Measure, measure(mib, 1, 1024**2)] = "64M"  # writable space
    gpus: Annotated[int, Field(strict=True, ge=0, le=16)] = 0

    @property
    def disk_mib(self) -> int:
        """Writable space in MiB."""
        return mib(self.disk)


class BuildSpec(BaseModel):
    """How the image comes about: by a Dockerfile of the bundle, by the language that it is written in, or as an image
    that exists. With none of them a Dockerfile at the top is used, else the language is recognised."""

    model_config = _Strict

    dockerfile: Annotated[str | None, AfterValidator(inside)] = None  # path in the bundle
    language: Literal["python", "node", "go", "static", "binary"] | None = None
    image: Annotated[str, Field(pattern=IMAGE)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.dockerfile, self.language, self.image)) > 1:
            raise ValueError("name one of dockerfile, language and image")
        return self


class HealthSpec(BaseModel):
    """How to see that the program is well: a command inside the container that ends with 0, or a path that answers a
    GET on the first port with 200-399. `start_period` is the time in which failures do not count yet."""

    model_config = _Strict

    test: Annotated[_Words | None, _WORDS] = None
    http: Annotated[str, Field(pattern=r"^/[\x21-\x7e]{0,254}$")] | None = None
    interval: Annotated[_Measure, measure(seconds, 1, 3600)] = "30s"
    timeout: Annotated[_Measure, measure(seconds, 1, 600)] = "5s"
    retries: Annotated[int, Field(strict=True, ge=1, le=100)] = 3  # failures in a row
    start_period: Annotated[_Measure, measure(seconds, 0, 3600)] = "0s"

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.test is None) == (self.http is None):
            raise ValueError("name either test or http")
        return self


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
    kind: Literal["batch", "service"] = "batch"  # ends by itself, or is there to answer
    build: BuildSpec = BuildSpec()
    command: Annotated[_Words | None, _WORDS] = None
    environment: Annotated[dict[_EnvName, _EnvValue], Field(max_length=256)] = {}
    secrets: Secrets = []  # names; the values come another way
    resources: ResourceSpec = ResourceSpec()
    ports: Annotated[list[_Port], Field(max_length=8)] = []  # of the container, HTTP; service only
    healthcheck: HealthSpec | None = None
    restart: Annotated[
        _Restart | None, BeforeValidator(as_restart, json_schema_input_type=str | bool)
    ] = None  # unset: by kind
    stop_grace_period: Annotated[_Measure, measure(seconds, 1, 60)] = "10s"
    runtime: Literal["runc", "gvisor"] | None = None  # unset: the agent chooses
    duration: Annotated[_Measure, measure(seconds, 1, 365 * 86400)] = "10m"  # of running, in all
    claim_within: Annotated[_Measure, measure(seconds, 5, 30 * 86400)] = (
        "10m"  # else the deposit returns
    )
    results: Annotated[str, Field(pattern=r"^/[A-Za-z0-9._/-]{1,254}$")] = "/output"
    logs: Literal["private", "public"] = "private"  # who may read them, beside the parties
    market: MarketSpec = MarketSpec()
    replicas: Annotated[int, Field(strict=True, ge=1, le=MAX_REPLICAS)] = 1  # as so many jobs
    verify: Annotated[int, Field(strict=True, ge=1, le=MAX_VERIFY)] = 1  # providers; batch only

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.ports and self.kind != "service":
            raise ValueError("ports: only a job of `kind: service` has ports")
        if self.verify > 1 and (self.kind == "service" or self.replicas > 1):
            raise ValueError("verify: only a batch job has a result to verify, and no replicas")
        if self.verify > 1 and (self.secrets or kib(self.resources.egress)):
            # Both can differ from provider to provider, and the result with them.
            raise ValueError("verify: a job to verify has no secrets, and resources.egress 0")
        if len(set(self.ports)) != len(self.ports):
            raise ValueError("ports: one is named twice")
        if self.ports and not kib(self.resources.egress):
            raise ValueError("ports: what answers needs a network; set resources.egress, like 1M")
        if self.healthcheck is not None and self.healthcheck.http and not self.ports:
            raise ValueError("healthcheck.http: it asks the first of `ports`, and there is none")
        return self

    @property
    def restarts(self) -> int:
        """How often the program is started again after it failed: 0 never, -1 without end (also after it ended with 0,
        where `restart` is always)."""
        policy = self.restart or ("always" if self.kind == "service" else "no")
        if policy == "no":
            return 0
        _, _, most = policy.partition(":")
        return int(most) if most else -1

    @property
    def restarts_always(self) -> bool:
        """Whether it is started again also when it ended with 0."""
        return (self.restart or ("always" if self.kind == "service" else "no")) == "always"

    @property
    def stop_grace_s(self) -> int:
        """Seconds between SIGTERM and SIGKILL."""
        return seconds(self.stop_grace_period)

    def reserved(self) -> Resources:
        """What goes on-chain as the job's resources."""
        spec = self.resources
        millis = int((spec.cpus * 1000).to_integral_value(ROUND_CEILING))
        return Resources(
            cpu_millis=millis, memory_mib=mib(spec.memory), egress_kib_s=kib(spec.egress)
        )

    @property
    def duration_s(self) -> int:
        """Seconds the job may run in all."""
        return seconds(self.duration)

    @property
    def claim_within_s(self) -> int:
        """Seconds for which the job waits to be claimed."""
        return seconds(self.claim_within)

    @property
    def jobs(self) -> int:
        """How many jobs are posted for it."""
        return max(self.replicas, self.verify)

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
        InvalidInput: not YAML, an unknown key, or a value out of range; the message names line and field of each fault.
    """
    written = read_yaml(text, MANIFEST_NAME, MAX_MANIFEST_BYTES)
    if written.data is None:
        return Manifest()
    if not isinstance(written.data, dict):
        raise InvalidInput(f"{MANIFEST_NAME} is not a mapping.", "Write it as `key: value` lines.")
    return check_manifest(written, MANIFEST_NAME)


def check_manifest(written: YamlText, name: str) -> Manifest:
    """A mapping as a manifest.

    Args:
        written: the mapping, and where its values stand, where that can be said.
        name: of the file that it comes from.

    Raises:
        InvalidInput: as `parse_manifest`.
    """
    try:
        return Manifest.model_validate(written.data)
    except ValidationError as error:
        faults = sorted(_fault(written, one) for one in error.errors(include_url=False))
        told = "; ".join(text for _, text in faults[:_FAULTS_TOLD])
        raise InvalidInput(f"{name} {told}.", "Correct what is named.") from None


def _fault(written: YamlText, fault: ErrorDetails) -> tuple[int, str]:
    """One fault: its line, and its line, field and reason in words. What is about several fields begins with a field's
    name itself."""
    path, told = fault["loc"], fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        near = get_close_matches(str(path[-1]), _KEYS, n=1)
        told = f"there is no such key; did you mean {near[0]}?" if near else "there is no such key"
    if path:
        told = f"{'.'.join(map(str, path))[:200]}: {told}"
    else:
        path = tuple(told.partition(":")[0].split("."))
    line = written.line_of(path)
    return line, f"line {line}, {told}" if line else told


_KEYS = [
    key
    for kind in (Manifest, BuildSpec, ResourceSpec, HealthSpec, MarketSpec, SecretSpec)
    for key in kind.model_fields
]


def json_schema() -> dict[str, Any]:
    """The manifest's JSON Schema (draft 2020-12), for editors and other programs."""
    schema = Manifest.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": MANIFEST_NAME} | {
        key: value for key, value in schema.items() if key != "title"
    }
