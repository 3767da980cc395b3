"""The secrets of a job, sealed to one holder: the scheduler while the job waits, then the agent that has claimed it.

What they are for is sealed in with them and compared after opening, so that a sealed text that was meant for another
job, attempt, market or holder is worth nothing here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chain.errors import InvalidInput, NotAllowed, TooLarge
from chain.job import Address, JobId
from chain.messages import Domain
from chain.sealed import open_sealed, seal
from chain.secret_spec import MAX_SECRETS, SECRET_NAME

MAX_VALUES = 32 * 1024  # of all of a job: sealed, they fit into one small request
MAX_SEALED = 48 * 1024


@dataclass(frozen=True, slots=True)
class Bound:
    """What a sealed text is for.

    Args:
        attempt: None while any attempt may have them: sealed to the scheduler.
        holder: who may open it, by its address on-chain.
    """

    domain: Domain
    job_id: JobId
    attempt: int | None
    holder: Address


class _Sealed(BaseModel):
    """The sealed text itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: Literal["draas secrets 1"] = "draas secrets 1"
    chain_id: int
    escrow: str
    job_id: str
    attempt: int | None
    holder: str
    values: Annotated[
        dict[Annotated[str, Field(pattern=SECRET_NAME)], str], Field(max_length=MAX_SECRETS)
    ]


def seal_values(values: Mapping[str, bytes], bound: Bound, recipient: str) -> bytes:
    """Seal secrets for their holder.

    Args:
        recipient: the key that the holder has announced.

    Raises:
        InvalidInput: a name cannot be one, or there are too many.
        TooLarge: they are over a limit.
    """
    check_sizes(values)
    told = {name: base64.b64encode(value).decode() for name, value in values.items()}
    try:
        text = _Sealed(values=told, **_of(bound))
    except ValidationError:
        raise InvalidInput(
            "A secret's name is letters, digits and _, and a job has at most 32 of them."
        ) from None
    return seal(text.model_dump_json().encode(), [recipient])


def open_values(sealed: bytes, identity: str, bound: Bound) -> dict[str, bytes]:
    """The secrets by name.

    Raises:
        NotAllowed: they are sealed to another, or for another job, attempt or market.
        TooLarge: they are over a limit.
    """
    if len(sealed) > MAX_SEALED:
        raise TooLarge(f"Sealed secrets have at most {MAX_SEALED // 1024} KiB.")
    try:
        text = _Sealed.model_validate_json(open_sealed(sealed, identity))
        values = {name: base64.b64decode(told, validate=True) for name, told in text.values.items()}
    except (ValidationError, binascii.Error, ValueError):
        raise NotAllowed("What was sealed are not the secrets of a job.") from None
    if text.model_dump(exclude={"kind", "values"}) != _of(bound):
        raise NotAllowed(
            "These secrets were sealed for something else.",
            "Seal them for this job, attempt and holder.",
        )
    check_sizes(values)
    return values


def check_sizes(values: Mapping[str, bytes]) -> None:
    """That they are within the limits.

    Raises:
        TooLarge: they are not.
    """
    if sum(map(len, values.values())) > MAX_VALUES:
        raise TooLarge(f"The secrets of a job have at most {MAX_VALUES // 1024} KiB in all.")


def _of(bound: Bound) -> dict[str, str | int | None]:
    return {
        "chain_id": bound.domain.chain_id,
        "escrow": bound.domain.escrow.lower(),
        "job_id": bound.job_id,
        "attempt": bound.attempt,
        "holder": bound.holder.lower(),
    }
