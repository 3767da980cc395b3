"""A private bundle: a folder with one file, the tar of the real one, sealed to the scheduler that builds it.

Sealed in with it is whose it is and for which scheduler and market: whoever posts the same CID in a job of its own
gets nothing built or run of it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chain.archive import unpack
from chain.bundle import Bundle, pack
from chain.convert import address_of
from chain.errors import InvalidInput, NotAllowed, TooLarge
from chain.folder import Limits
from chain.job import Address
from chain.messages import Domain
from chain.sealed import open_stream, seal

FILE = "bundle.age"
_HEADER_MOST = 1024
_OVERHEAD = 16 * 1024**2  # headers of many small files


class _Header(BaseModel):
    """The first line of what is sealed; the tar follows."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: Literal["draas bundle 1"] = "draas bundle 1"
    chain_id: int
    escrow: str
    scheduler: str
    consumer: Annotated[str, Field(pattern=r"^0x[0-9a-f]{40}$")]


def seal_bundle(
    bundle: Bundle, domain: Domain, scheduler: str, consumer: str, recipient: str
) -> Bundle:
    """The folder to post in the place of a packed one. Sealed twice it has two CIDs.

    Args:
        scheduler, consumer: by their addresses on-chain.
        recipient: the scheduler's announced key.

    Raises:
        InvalidInput: the recipient is none.
        TooLarge: over a limit.
    """
    header = _header(domain, scheduler, consumer).model_dump_json().encode() + b"\n"
    with tempfile.TemporaryDirectory(prefix="draas-sealed-") as place:
        (Path(place) / FILE).write_bytes(seal(header + bundle.archive, [recipient]))
        return pack(Path(place))


def is_private(folder: Path) -> bool:
    """Whether a bundle is a sealed one."""
    inside = [entry.name for entry in folder.iterdir()]
    return inside == [FILE] and (folder / FILE).is_file()


def open_bundle(
    folder: Path, dest: Path, identity: str, domain: Domain, scheduler: str, limits: Limits
) -> Address:
    """Unpack what is sealed in a bundle to `dest`, within the limits of any bundle; whose it is. Blocking.

    Args:
        dest: a folder that does not exist, in memory where that can be had: it holds what is private in the clear.

    Raises:
        NotAllowed: it is sealed to another, was changed, or is for another scheduler or market.
        InvalidInput, TooLarge: what is sealed is no bundle; nothing of it is told, since others may read that.
        OSError: there is no room.
    """
    most = limits.max_bytes + _OVERHEAD
    with tempfile.TemporaryFile(dir=dest.parent) as archive:
        with (folder / FILE).open("rb") as sealed, tempfile.TemporaryFile(dir=dest.parent) as plain:
            open_stream(sealed, plain, identity, most)
            plain.seek(0)
            header = _read_header(plain.readline(_HEADER_MOST))
            shutil.copyfileobj(plain, archive)
        if header != _header(domain, scheduler, header.consumer):
            raise NotAllowed("The bundle is sealed for another scheduler or market.")
        try:
            unpack(archive, dest, limits)
        except (InvalidInput, TooLarge) as error:
            raise type(error)(
                "What is sealed in the bundle is no folder within the limits."
            ) from None
    return address_of(header.consumer)


def _header(domain: Domain, scheduler: str, consumer: str) -> _Header:
    return _Header(
        chain_id=domain.chain_id,
        escrow=domain.escrow.lower(),
        scheduler=scheduler.lower(),
        consumer=consumer.lower(),
    )


def _read_header(line: bytes) -> _Header:
    try:
        return _Header.model_validate_json(line)
    except ValidationError:
        raise NotAllowed("What is sealed in the bundle is no bundle.") from None


def memory_place(least: int) -> Path | None:
    """A folder in memory with room for so many bytes; None where there is none."""
    place = Path("/dev/shm")  # noqa: S108 - a memory file system wherever it exists
    try:
        found = os.statvfs(place)
    except OSError:
        return None
    return place if found.f_bavail * found.f_frsize >= least else None
