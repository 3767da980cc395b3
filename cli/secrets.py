"""Secrets on their way from the consumer: read, sealed to the scheduler that the job names, and handed over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from chain.errors import InvalidInput, NotFound, Unavailable
from chain.job import Address, JobId
from chain.manifest import Manifest
from chain.messages import Domain
from chain.sealing_key import check_announced
from chain.secret_spec import SecretSpec
from chain.secret_values import Bound, check_sizes, seal_values
from cli.jobs import find
from cli.screen import Screen
from cli.session import Session

SEEN_WITHIN_S = 60.0  # of the posting


def read_secrets(
    manifest: Manifest, given: Sequence[str], environ: Mapping[str, str]
) -> dict[str, bytes]:
    """The values of the secrets that a manifest names.

    Args:
        given: NAME=VALUE, NAME=@FILE, or NAME alone for a variable of the environment. What is not given at all is
            looked for in the environment too.

    Raises:
        InvalidInput: one is missing or empty, is given twice or asked for by nobody, or cannot be what it is to be.
        NotFound: a file cannot be read.
        TooLarge: they are over a limit.
    """
    wanted = {spec.name: spec for spec in manifest.secrets}
    sources: dict[str, str | None] = {}
    for text in given:
        name, has_value, value = text.partition("=")
        if name in sources:
            raise InvalidInput(f"The secret {name} is given twice.", "Give it once.")
        if name not in wanted:
            raise InvalidInput(
                f"No secret {name[:128]} is asked for.", "Name it under `secrets` in draas.yaml."
            )
        sources[name] = value if has_value else None
    values = {name: _value(name, sources.get(name), environ) for name in wanted}
    for name, found in values.items():
        if wanted[name].env and not _may_be_variable(found):
            raise InvalidInput(f"The secret {name} is no text, and so no variable's value.")
    check_sizes(values)
    return values


def asked_for(given: Sequence[str]) -> Manifest:
    """What asks for just these.

    Raises:
        InvalidInput: a name cannot be one.
    """
    names = [text.partition("=")[0] for text in given]
    try:
        return Manifest(secrets=[SecretSpec(name=name) for name in dict.fromkeys(names)])
    except ValidationError:
        raise InvalidInput("A secret's name is letters, digits and _.", "Correct it.") from None


def _value(name: str, source: str | None, environ: Mapping[str, str]) -> bytes:
    if source is not None and source.startswith("@"):
        try:
            value = Path(source[1:]).expanduser().read_bytes()
        except OSError:
            raise NotFound(f"The file of the secret {name} cannot be read.", "Check it.") from None
    else:
        value = (environ.get(name, "") if source is None else source).encode(errors="replace")
    if not value:
        raise InvalidInput(
            f"The secret {name} has no value.",
            f"Give it with --secret {name}=@FILE, or as a variable of your environment.",
        )
    return value


def _may_be_variable(value: bytes) -> bool:
    try:
        return "\0" not in value.decode()
    except UnicodeDecodeError:
        return False


def domain_of(session: Session) -> Domain:
    """Where signatures of this market hold."""
    return Domain(session.market.chain_id, Address(session.market.escrow))


async def recipient_of_scheduler(session: Session) -> str:
    """The key that the market's scheduler has announced, its signature checked.

    Raises:
        NotFound: it takes nothing sealed.
        NotAllowed: the key is another's.
    """
    announced = await session.api.sealing_key()
    holder = session.market.scheduler
    return check_announced(announced, domain_of(session), holder, int(time.time()))


async def check_taken(session: Session, values: Mapping[str, bytes]) -> None:
    """See that the scheduler takes secrets, if there are any, before anything is paid."""
    if values:
        await recipient_of_scheduler(session)


async def give(
    session: Session, screen: Screen, job: str, given: Sequence[str], environ: Mapping[str, str]
) -> int:
    """Give the secrets of a job that is posted; the command's exit code."""
    values = read_secrets(asked_for(given), given, environ)
    found = await find(session, job)
    await hand_over(session, JobId(found.job_id), values)
    screen.done("given", ", ".join(sorted(values)))
    return 0


async def hand_over(session: Session, job_id: JobId, values: Mapping[str, bytes]) -> None:
    """Seal them to the scheduler for this job, and give them to it once it has seen the job.

    Raises:
        NotFound: the scheduler does not see the job, or takes nothing sealed.
        Unavailable: it does not answer; `draas secrets` gives them later.
        NotAllowed: its key is another's.
    """
    bound = Bound(domain_of(session), job_id, None, Address(session.market.scheduler))
    sealed = seal_values(values, bound, await recipient_of_scheduler(session))
    ends = asyncio.get_running_loop().time() + SEEN_WITHIN_S
    while True:
        try:
            await session.api.put_secrets(job_id, sealed)
            return
        except (NotFound, Unavailable):
            if asyncio.get_running_loop().time() > ends:
                raise
        await asyncio.sleep(0.3)
