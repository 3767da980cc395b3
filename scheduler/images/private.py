"""Private bundles: opened here to be built, in a memory file system where there is one, and never anywhere else."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from chain.errors import InvalidInput, NotAllowed, Unavailable
from chain.folder import Limits
from chain.job import ZERO_ADDRESS, Address
from chain.messages import Domain
from chain.sealed_bundle import is_private, memory_place, open_bundle
from chain.sealing_key import SealingKey

ROOM = 6  # times what a bundle may have: sealed, open, unpacked, and packed again for the Engine
PREFIX = "draas-private-"


def forget_left_open() -> None:
    """Remove what processes that are gone have left in memory. Blocking."""
    for place in (memory_place(0), Path(tempfile.gettempdir())):
        for folder in place.glob(f"{PREFIX}*-*") if place is not None else ():
            owner = folder.name.removeprefix(PREFIX).rpartition("-")[0]
            pid = owner.partition("-")[0]
            if pid.isdecimal() and owner != _process(pid):
                shutil.rmtree(folder, ignore_errors=True)


def _process(pid: str) -> str:
    """A process by its number and its start in the kernel's ticks, since numbers come again; "" for none."""
    try:
        told = Path("/proc", pid, "stat").read_text()
    except OSError:
        return ""
    return f"{pid}-{told.rpartition(')')[2].split()[19]}"


@dataclass(frozen=True, slots=True)
class Opener:
    """What is sealed to this scheduler is opened with.

    Args:
        key: None where the copies of a scheduler have none in common.
        scheduler: this one, by its address.
    """

    key: SealingKey | None
    domain: Domain
    scheduler: Address

    async def open(
        self, folder: Path, limits: Limits, stack: ExitStack
    ) -> tuple[Path, Address | None]:
        """The bundle in a folder, and whose alone it is; a bundle that is not sealed is itself, and anybody's.

        Args:
            stack: what was opened goes when this is closed.

        Raises:
            InvalidInput: it cannot be opened here, or what is in it is no bundle.
            Unavailable: there is no room for it.
        """
        if not await asyncio.to_thread(is_private, folder):
            return folder, None
        if self.key is None:
            raise InvalidInput("This scheduler opens no private bundles.", "Deploy it to another.")
        place = memory_place(ROOM * limits.max_bytes)
        scratch = tempfile.TemporaryDirectory(
            prefix=f"{PREFIX}{_process(str(os.getpid()))}-", dir=place
        )
        dest = Path(stack.enter_context(scratch)) / "bundle"
        try:
            owner = await asyncio.to_thread(
                open_bundle, folder, dest, self.key.identity, self.domain, self.scheduler, limits
            )
        except NotAllowed as error:
            raise InvalidInput(error.message, error.fix) from None
        except OSError as error:
            told = f"There is no room here to open the bundle: {error.strerror}."
            raise Unavailable(told, "Try again, or make room for temporary files.") from None
        return dest, owner


NO_OPENER = Opener(None, Domain(0, ZERO_ADDRESS), ZERO_ADDRESS)
