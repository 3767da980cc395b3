"""Private bundles: opened here to be built, in a memory file system where there is one, and never anywhere else."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from chain.errors import InvalidInput, NotAllowed
from chain.folder import Limits
from chain.job import ZERO_ADDRESS, Address
from chain.messages import Domain
from chain.sealed_bundle import is_private, memory_place, open_bundle
from chain.sealing_key import SealingKey

ROOM = 4  # times what a bundle may have


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
        """
        if not await asyncio.to_thread(is_private, folder):
            return folder, None
        if self.key is None:
            raise InvalidInput("This scheduler opens no private bundles.", "Deploy it to another.")
        place = memory_place(ROOM * limits.max_bytes)
        scratch = tempfile.TemporaryDirectory(prefix="draas-private-", dir=place)
        dest = Path(stack.enter_context(scratch)) / "bundle"
        try:
            owner = await asyncio.to_thread(
                open_bundle, folder, dest, self.key.identity, self.domain, self.scheduler, limits
            )
        except NotAllowed as error:
            raise InvalidInput(error.message, error.fix) from None
        return dest, owner


NO_OPENER = Opener(None, Domain(0, ZERO_ADDRESS), ZERO_ADDRESS)
