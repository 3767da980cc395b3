"""Clearing up: images that no job needs any more, what broken-off builds left behind, logs of jobs long closed.

Each round looks at what is there and takes a bounded part of it away, so it may be killed anywhere and a round that
fails is followed by another. What is not known here is left alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import docker
import structlog
from docker.errors import APIError, NotFound
from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chain.clock import ChainClock, unix_ms
from chain.errors import DraasError
from chain.job import Cid, Digest, JobId
from scheduler.images.bases import drop_pulled
from scheduler.images.bundle_image import BUNDLE_LABEL, CONSUMER_LABEL
from scheduler.images.engine import on_engine
from scheduler.images.image import ASK_S, PROBE_LABEL
from scheduler.images.limits import STEP_LABEL
from scheduler.rows import tables as t
from scheduler.rows.batch import delete_all
from scheduler.rows.database import Store
from scheduler.rows.sealed_secrets import drop_secrets
from scheduler.rows.states import Standing
from scheduler.settings import Settings

log = structlog.get_logger()
ROUND_S = 300
SECRETS_KEEP_S = 600  # after an end, which a reorganisation may undo
IMAGES_A_ROUND = 20
JOBS_A_ROUND = 50
CHUNKS_AT_ONCE = 100
PAUSE_S = 0.05  # between transactions, so that others have their turn
BUILD_SLACK_S = 60  # beyond a build's time, after which what it left is nobody's


@dataclass(frozen=True, slots=True)
class Built:
    """An image that was built from a bundle; `made_at` in Unix seconds."""

    digest: Digest
    cid: Cid
    made_at: int


class Sweeper:
    """Clears up after the schedulers of one database and one Engine.

    Args:
        synced: says whether all jobs that there are have been read.
        forget: lets go of what of an image is on IPFS.
    """

    def __init__(
        self,
        store: Store,
        clock: ChainClock,
        settings: Settings,
        synced: Callable[[], bool],
        forget: Callable[[Digest], Awaitable[None]],
    ) -> None:
        self._forget = forget
        self._store = store
        self._clock = clock
        self._synced = synced
        self._settings = settings

    async def run(self) -> None:
        """A round at once and then every few minutes, until cancelled."""
        while True:
            for part in (
                self.leftovers,
                self.images,
                self.bases,
                self.cache,
                self.logs,
                self.secrets,
            ):
                try:
                    await part()
                except DraasError as error:
                    log.warning("sweep.postponed", part=part.__name__, error=str(error))
            await asyncio.sleep(ROUND_S)

    async def leftovers(self) -> None:
        """Containers and nameless images of builds that were broken off."""
        oldest = unix_ms() // 1000 - self._settings.build.seconds - BUILD_SLACK_S
        removed = await on_engine(partial(remove_leftovers, oldest=oldest), ASK_S)
        if removed:
            log.info("sweep.leftovers", removed=removed)

    async def images(self) -> None:
        """Images whose bundles no job has needed for as long as images are kept."""
        if not self._synced():
            return  # a job that was not read yet may need one
        keep_s = self._settings.image_keep_s
        found = await on_engine(_built, ASK_S)
        left = IMAGES_A_ROUND
        for image in [one for one in found if one.made_at < unix_ms() // 1000 - keep_s]:
            if left == 0:
                return
            left -= await self._given_up(image, self._clock.now() - keep_s)

    async def bases(self) -> None:
        """Base images that were pulled for builds, and that none has started from for as long as images are kept."""
        before = unix_ms() // 1000 - self._settings.image_keep_s
        dropped = await on_engine(partial(drop_pulled, before=before), ASK_S)
        if dropped:
            log.info("sweep.bases", names=dropped)

    async def cache(self) -> None:
        """Images that no job needs now, the oldest first, while builds have left more on the Engine than they may."""
        if not self._synced():
            return
        most = self._settings.build_cache_bytes
        size = await on_engine(cached_bytes, ASK_S)
        for image in await on_engine(_built, ASK_S) if size > most else []:
            if await self._given_up(image, self._clock.now()):
                size = await on_engine(cached_bytes, ASK_S)
            if size <= most:
                return

    async def _given_up(self, image: Built, needed_since: int) -> bool:
        """Remove an image with the steps that only it had, unless a job has needed it since."""
        async with self._store.write() as tx:
            freed = await give_up(tx, image, needed_since, unix_ms())
        if freed:
            await self._forget(image.digest)  # first: what the Engine still has is looked at again
            if await self._is_back(image):
                return False
            removed = await on_engine(partial(_remove, digest=image.digest), ASK_S)
            log.info("sweep.image", cid=image.cid, digest=image.digest, removed=removed)
        return freed

    async def _is_back(self, image: Built) -> bool:
        """Whether a build has made the same image again meanwhile, all of it from its cache."""
        b = t.builds.c
        async with self._store.read() as tx:
            found = await tx.execute(select(b.digest).where(b.cid == image.cid))
        return bool(found.scalar_one_or_none() == image.digest)

    async def secrets(self) -> None:
        """Sealed secrets of jobs that ended a while ago, or that the chain no longer knows."""
        if self._synced():
            async with self._store.write() as tx:
                before = self._clock.now() - SECRETS_KEEP_S
                await drop_secrets(tx, before, unix_ms() - 86_400_000)

    async def logs(self) -> None:
        """Log lines and statuses of jobs that have been closed for as long as logs are kept."""
        before = self._clock.now() - self._settings.log_keep_s
        async with self._store.read() as tx:
            jobs = await long_closed(tx, before)
        for job_id in jobs:
            more = True
            while more:
                more = await self._some_lines(job_id)
                await asyncio.sleep(PAUSE_S)

    async def _some_lines(self, job_id: JobId) -> bool:
        """Delete a part of a job's lines, and the rest of its rows after the last; says whether there is more."""
        c = t.log_chunks.c
        async with self._store.write() as tx:
            firsts = select(c.attempt, c.first).where(c.job_id == job_id)
            some = firsts.order_by(c.attempt, c.first).limit(CHUNKS_AT_ONCE)
            rows = (await tx.execute(some)).all()
            if rows:
                keys = [{"job_id": job_id, "attempt": r.attempt, "first": r.first} for r in rows]
                await delete_all(tx, t.log_chunks, keys)
                return True
            for table in (t.run_status, t.log_cursors):
                await tx.execute(delete(table).where(table.c.job_id == job_id))
        return False


async def give_up(tx: AsyncConnection, image: Built, needed_since: int, now_ms: int) -> bool:
    """Forget an image in its row unless a job has needed its bundle since that second of chain time; says whether it
    may be removed. An image of a bundle that is not known here is somebody else's."""
    b, j = t.builds.c, t.jobs.c
    lease = select(b.digest, b.lease_owner, b.lease_until_ms).where(b.cid == image.cid)
    row = (await tx.execute(lease)).first()
    if row is None or (row.lease_owner is not None and row.lease_until_ms >= now_ms):
        return False
    if row.digest != image.digest:
        return True  # a later build took its place, or it was given up before
    last = (await tx.execute(select(func.max(j.deadline)).where(j.cid == image.cid))).scalar()
    if last is not None and last >= needed_since:
        return False
    mine = and_(b.cid == image.cid, b.digest == image.digest)
    await tx.execute(update(t.builds).where(mine).values(digest=None, image_name=""))
    return True


async def long_closed(tx: AsyncConnection, before: int) -> Sequence[JobId]:
    """Jobs that ended before that second of chain time, have nothing left to pay, and still have log rows."""
    j = t.jobs.c
    over = and_(j.standing.in_((Standing.PARTED, Standing.CLOSED)), j.deadline < before)
    logged = select(j.job_id).join(t.log_cursors, t.log_cursors.c.job_id == j.job_id).where(over)
    told = select(j.job_id).join(t.run_status, t.run_status.c.job_id == j.job_id).where(over)
    found = await tx.execute(logged.union(told).limit(JOBS_A_ROUND))
    return [JobId(job_id) for job_id in found.scalars()]


def _built(engine: docker.DockerClient) -> list[Built]:
    found = engine.images.list(filters={"label": BUNDLE_LABEL})
    built = [
        Built(Digest(str(one.id)), Cid(one.labels[BUNDLE_LABEL]), _seconds(one.attrs["Created"]))
        for one in found
    ]
    return sorted(built, key=lambda one: one.made_at)


def cached_bytes(engine: docker.DockerClient) -> int:
    """What the steps of all builds have put on top of their bases and of each other."""
    found = engine.api.images(all=True, filters={"label": CONSUMER_LABEL})
    sizes = {str(one["Id"]): int(one["Size"]) for one in found}
    return sum(
        int(one["Size"]) - sizes[one["ParentId"]] for one in found if one["ParentId"] in sizes
    )


def _remove(engine: docker.DockerClient, digest: Digest) -> bool:
    """Says whether it went; an image that a container still uses stays."""
    try:
        for name in engine.images.get(digest).tags:
            engine.images.remove(name)
        engine.images.remove(digest)
    except NotFound:
        return True  # with its last name, or by another
    except APIError as error:
        if error.status_code != 409:
            raise
        return False
    return True


def remove_leftovers(
    engine: docker.DockerClient,
    oldest: int,
    step: str = f"{STEP_LABEL}=1",
    probe: str = PROBE_LABEL,
) -> int:
    """Remove what was made before that Unix second on the way to an image, and is nobody's now; says how much.
    Containers first, since they hold images."""
    removed = 0
    for one in engine.containers.list(all=True, filters={"label": step}, ignore_removed=True):
        if _seconds(one.attrs["Created"]) < oldest:
            one.remove(force=True, v=True)
            removed += 1
    for label in (step, probe):
        for one in engine.images.list(filters={"label": label, "dangling": True}):
            if _seconds(one.attrs["Created"]) < oldest:
                removed += _remove(engine, Digest(str(one.id)))
    return removed


def _seconds(told: Any) -> int:
    """The Engine's time of making, as Unix seconds."""
    if isinstance(told, int):
        return told
    return int(datetime.fromisoformat(str(told)[:19] + "+00:00").timestamp())
