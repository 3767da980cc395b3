"""What comes before a run's program runs: the offer checked, the image here, the container made, the job claimed; then
the start, which is all that is left to do once the claim is on the chain."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from agent.container import lease
from agent.container.host import JobContainer
from agent.engine.isolation import ImageFacts
from agent.observed import OnChain
from agent.runs.claim import check_offer, claim_job
from agent.runs.look import Seen
from agent.runs.record import RunRecord, folder_of
from agent.runs.surroundings import Surroundings
from chain.errors import Conflict, DraasError, InvalidInput, Unavailable
from chain.job import Digest
from chain.wire import RunPhase

SECRETS_WITHIN_S = 120  # of the scheduler's first word that there are none
KEEP_SECONDS = 120.0  # for which what ends leases is kept ready for a container that was made


class Beginning:
    """The first steps of one run.

    Args:
        tell: told how far a step has come.
    """

    def __init__(
        self,
        around: Surroundings,
        record: RunRecord,
        container: JobContainer,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._around = around
        self._tell = tell
        self._container = container
        self._folder = folder_of(around.home, record.job_id, record.attempt)
        self._image: ImageFacts | None = None
        self._claimed_in = ""
        self._no_secrets_since: int | None = None  # chain second

    async def accept(
        self, record: RunRecord, chain: OnChain | None, at: Callable[[RunPhase], None]
    ) -> str:
        """Check the offer, and have the image here; why it is not taken, or "".

        Args:
            at: told how far it has come.

        Raises:
            Unavailable: the chain or the Engine does not answer.
        """
        faults = await check_offer(self._around, record, chain)
        if faults:
            return "; ".join(faults)
        at("pulling")
        try:
            self._image = await self._fetch(record)
        except InvalidInput as error:
            return str(error)
        return ""

    async def _fetch(self, record: RunRecord) -> ImageFacts:
        digest, around = Digest(record.offer.assignment.image), self._around
        bring = None if around.bring is None else partial(around.bring, digest, self._tell)
        return await around.machine.ensure_image(digest, record.offer.image_name, bring)

    async def create(self, record: RunRecord) -> str:
        """Make the container; its id. What ends leases is started with it, for that takes time too.

        Raises:
            InvalidInput: it cannot be run in isolation, or the image is gone for good.
            Unavailable: the Engine, the kernel or the firewall refuses.
        """
        if record.claimed_at and (fault := await self.have_secrets(record)):
            raise InvalidInput(fault)
        lease.keep(self._folder, KEEP_SECONDS)
        await asyncio.to_thread(self._around.leases.watch)
        image, self._image = self._image or await self._fetch(record), None
        return await self._container.create(image, record.gpus)

    async def claim(self, record: RunRecord) -> bool:
        """Claim the job, and have the chain looked at as of then; False when it was claimed in the same transaction
        as the last time, which the node that was looked at does not show yet.

        Raises:
            Reverted: the contract refuses.
            Unavailable: the node does not answer, or it is not mined in time.
        """
        receipt = await claim_job(self._around.escrow, self._around.sender, record.offer)
        self._around.view.reached(receipt.block)
        known, self._claimed_in = self._claimed_in, receipt.tx_hash
        return known != receipt.tx_hash

    async def start(self, record: RunRecord, seen: Seen | None) -> str:
        """Start the container, and follow what it prints from the first moment; why it cannot be started, or ""."""
        if fault := await self.have_secrets(record):
            return fault
        lease.begin_anew(self._folder)
        await self.renew_lease(
            record, seen, 0
        )  # so that it ends by itself even if we die at this moment
        await self.guard()
        fault = await self._container.start(record.container_id, record.starts.count > 0)
        if not fault:
            self._container.follow(record.container_id)
        return fault

    async def have_secrets(self, record: RunRecord) -> str:
        """Have the run's secrets here, in memory; why they will not come, or "".

        Raises:
            Unavailable: they have not come yet.
        """
        if not self._container.secrets.lacks:
            return ""
        try:
            values = await self._around.secrets(record)
        except (Unavailable, Conflict) as error:  # nobody has said that there are none
            self._no_secrets_since = None
            raise Unavailable(f"waiting for its secrets: {error.message}") from None
        except DraasError as error:
            now = self._around.view.clock.now()
            since = self._no_secrets_since = self._no_secrets_since or now
            if now - since > SECRETS_WITHIN_S:
                return f"its secrets did not come: {error.message}"
            raise Unavailable(f"waiting for its secrets: {error.message}") from None
        await asyncio.to_thread(self._container.secrets.keep, values)
        return ""

    async def renew_lease(self, record: RunRecord, seen: Seen | None, pid: int) -> None:
        """Let the container go on, by what was last seen of its claim.

        Args:
            pid: of its first process; 0 when it is about to start.
        """
        if seen is not None and seen.is_deep:
            seconds = self._around.view.lease_seconds(seen)
            await self._container.renew_lease(record.container_id, pid, seconds)

    async def guard(self) -> None:
        """See to it that what ends leases runs."""
        if not self._around.leases.watched:
            await asyncio.to_thread(self._around.leases.watch)
