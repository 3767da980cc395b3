"""`secrets` of a manifest: names alone. What they stand for never is in a bundle."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

MAX_SECRETS = 32
SECRET_NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,127}$"  # noqa: S105 - a pattern
RESERVED = "DRAAS_"  # how variables of our own begin


class SecretSpec(BaseModel):
    """One secret: a file /run/secrets/NAME, and with `env` a variable of that name too."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=SECRET_NAME)]
    env: Annotated[bool, Field(strict=True)] = False


def _named(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


def _apart(specs: list[SecretSpec]) -> list[SecretSpec]:
    names = [spec.name for spec in specs]
    if len(set(names)) != len(names):
        raise ValueError("one is named twice")
    if any(spec.env and spec.name.startswith(RESERVED) for spec in specs):
        raise ValueError(f"variables that begin with {RESERVED} are not the job's to set")
    return specs


_Spec = Annotated[SecretSpec, BeforeValidator(_named, json_schema_input_type=str | SecretSpec)]
Secrets = Annotated[list[_Spec], Field(max_length=MAX_SECRETS), AfterValidator(_apart)]
