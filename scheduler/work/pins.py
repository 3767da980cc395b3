"""Keeping on IPFS what jobs need, and letting it go some time after they are closed.

Each round looks at the jobs and at the pins and brings the two closer, so it may be killed anywhere. What does not
answer is asked again, ever later; its silence lets nothing go and holds up nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from prometheus_client import Counter

from chain import ipfs
from chain.clock import ChainClock, unix_ms
from chain.errors import DraasError, InvalidInput
from chain.folder import RESULT_LIMITS, Limits
from chain.job import Address, Cid, JobId
from chain.pinning import PinningService
from scheduler.rows import pins as rows
from scheduler.rows.database import Store
from scheduler.rows.pins import Keeper, Pin
from scheduler.settings import Settings

log = structlog.get_logger()
ROUND_S = 15.0
A_ROUND = 20  # of each kind
AT_ONCE = 4
REFUSED_MS = 3_600_000
FAILURES = Counter(
    "draas_pinning_failures", "Requests to the IPFS node or the pinning service that failed.",
    ["place"], registry=None,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Whose content is kept, and where.

    Args:
        service: that keeps it too; None for nobody.
        ruling_s: seconds that a dispute's case can take.
    """

    me: Address
    api: str
    service: PinningService | None
    ruling_s: int


class Pinner:
    """Keeps what the jobs of one scheduler need.

    Args:
        synced: says whether all jobs that there are have been read.
    """

    def __init__(
        self,
        store: Store,
        clock: ChainClock,
        settings: Settings,
        place: Place,
        synced: Callable[[], bool],
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._place = place
        self._synced = synced
        self._refused: dict[Cid, int] = {}  # by the pinning service, until then

    async def run(self) -> None:
        """A round at once and then every few seconds, until cancelled."""
        while True:
            try:
                await self.round()
            except DraasError as error:
                log.warning("pins.postponed", error=str(error))
            await asyncio.sleep(ROUND_S)

    async def round(self) -> None:
        """One look.

        Raises:
            Unavailable: the database does not answer.
        """
        if not self._synced():
            return  # a job that was not read yet may need something
        now = self._clock.now()
        since, heard_since = now - self._settings.pins.keep_s, now - self._place.ruling_s
        keeper = Keeper(self._place.me, since, heard_since)
        async with self._store.write() as tx:
            wanted = await rows.needed(tx, keeper)
            await rows.note(tx, wanted, now)
            due, known = await rows.due(tx, unix_ms()), await rows.all_pins(tx)
        ahead = sorted((known[cid] for cid in due & set(wanted)), key=lambda pin: pin.tries)
        for at in range(0, len(ahead[:A_ROUND]), AT_ONCE):
            await asyncio.gather(*map(self._pin, ahead[at : at + AT_ONCE]))
        await self._keep_elsewhere([pin for cid, pin in known.items() if cid in wanted])
        async with self._store.write() as tx:
            free = await rows.let_go(tx, keeper, A_ROUND)
        for pin in free:
            await self._let_go(pin)

    async def uploaded(self, cid: Cid, job_id: JobId) -> None:
        """A bundle was put on the node, for a job that may be posted.

        Raises:
            Unavailable: the database does not answer.
        """
        async with self._store.write() as tx:
            await rows.uploaded(tx, cid, job_id, self._clock.now())

    async def _pin(self, pin: Pin) -> None:
        """Have it on our node; the content of strangers only within limits."""
        limits = RESULT_LIMITS
        if pin.name.startswith("bundle"):
            limits = Limits(max_bytes=self._settings.max_bundle_bytes)
        try:
            # Noted before it is done, so that a crash leaves no pin of nobody's; a node that is silent says nothing.
            if not pin.ours and not await ipfs.is_pinned(self._place.api, pin.cid):
                async with self._store.write() as tx:
                    await rows.will_be_ours(tx, pin.cid)
            await ipfs.pin_within(
                self._place.api, pin.cid, limits, deadline_s=self._settings.fetch_s
            )
        except DraasError as error:
            FAILURES.labels("node").inc()
            log.info("pins.not_yet", cid=pin.cid, what=pin.name, error=str(error)[:300])
            async with self._store.write() as tx:
                await rows.postpone(tx, pin, unix_ms())
            return
        async with self._store.write() as tx:
            await rows.is_pinned(tx, pin.cid)
        log.info("pins.kept", cid=pin.cid, what=pin.name)

    async def _keep_elsewhere(self, wanted: list[Pin]) -> None:
        """Ask the pinning service for bundles and results. What it will not have is left for an hour; a fault of its
        own ends the round."""
        if self._place.service is None:
            return
        now_ms = unix_ms()
        self._refused = {cid: until for cid, until in self._refused.items() if until > now_ms}
        asked = [
            pin
            for pin in wanted
            if pin.pinned
            and not pin.remote
            and pin.name.startswith(("bundle", "results"))
            and pin.cid not in self._refused
        ]
        for pin in asked[:A_ROUND]:
            try:
                job_id = pin.name.rpartition(" ")[2]
                request = await self._place.service.add(pin.cid, pin.name, job_id)
            except InvalidInput as error:
                FAILURES.labels("service").inc()
                log.warning("pins.service_refused", cid=pin.cid, error=str(error))
                self._refused[pin.cid] = now_ms + REFUSED_MS
                continue
            except DraasError as error:
                FAILURES.labels("service").inc()
                log.warning("pins.service_failed", cid=pin.cid, error=str(error))
                return
            async with self._store.write() as tx:
                await rows.is_remote(tx, pin.cid, request)

    async def _let_go(self, pin: Pin) -> None:
        try:
            if pin.ours:
                await ipfs.unpin(self._place.api, pin.cid)
            if pin.remote and self._place.service is not None:
                await self._place.service.remove(pin.remote)
        except DraasError as error:
            FAILURES.labels("let_go").inc()
            log.info("pins.held_on_to", cid=pin.cid, error=str(error)[:300])
            return  # the next round tries again
        async with self._store.write() as tx:
            await rows.gone(tx, pin.cid)
        log.info("pins.let_go", cid=pin.cid, what=pin.name)
