"""The secrets of jobs: kept sealed, opened in memory alone, and sealed anew to the agent that has claimed the job.

A job is not placed before its secrets are here, so that an agent that claims it gets them at once, and another one
after a failover without its consumer.
"""

from __future__ import annotations

import asyncio
import time

from eth_account.signers.local import LocalAccount

from chain.clock import unix_ms
from chain.convert import address_of
from chain.errors import Conflict, NotFound
from chain.job import Address, JobId, JobState
from chain.manifest import Manifest
from chain.messages import Domain
from chain.sealing_key import SealingKey, SealingKeyBody, check_announced
from chain.secret_values import Bound, open_values, seal_values
from scheduler.rows.database import Store
from scheduler.rows.facts import JobFacts
from scheduler.rows.leases import wake
from scheduler.rows.sealed_secrets import Kept, keep_secrets, sealed_of, secret_names
from scheduler.rows.store import load_build, load_job
from scheduler.signals import Signals

OVER = (JobState.ENDED, JobState.DISPUTED, JobState.CLOSED)


class Vault:
    """Keeps secrets, and hands them over.

    Args:
        key: to which they are sealed; None where several copies share the rows, and have no key in common.
    """

    def __init__(
        self,
        store: Store,
        signals: Signals,
        key: SealingKey | None,
        account: LocalAccount,
        domain: Domain,
    ) -> None:
        self._store = store
        self._signals = signals
        self._key = key
        self._account = account
        self._domain = domain
        self._announced: SealingKeyBody | None = None

    @property
    def key(self) -> SealingKey:
        """What this scheduler opens with.

        Raises:
            NotFound: it has no such key.
        """
        if self._key is None:
            raise NotFound(
                "This scheduler takes nothing sealed: its copies have no key in common.",
                "Its operator sets DRAAS_SEALING_KEY_FILE.",
            )
        return self._key

    def announced(self) -> SealingKeyBody:
        """The key to seal to, signed.

        Raises:
            NotFound: there is none.
        """
        key, now = self.key, int(time.time())
        if self._announced is None or self._announced.until < now + 1800:
            self._announced = key.announce(self._account, self._domain, now)
        return self._announced

    async def keep(self, job_id: JobId, sealed: bytes) -> list[str]:
        """Keep a job's secrets, and look at the job; how they are called.

        Raises:
            NotAllowed: they are not sealed to this scheduler for this job.
            NotFound: this scheduler has no key, or does not know the job.
            Conflict: the job needs no secrets any more, or more than these.
        """
        values = await asyncio.to_thread(open_values, sealed, self.key.identity, self._held(job_id))
        async with self._store.write() as tx:
            job = await load_job(tx, job_id)
            if job is None:
                raise NotFound(f"There is no job {job_id[:12]} here.", "Post it first.")
            if job.state in OVER:
                raise Conflict("The job is over.", "There is nothing that its secrets are for.")
            build = await load_build(tx, job.terms.cid)
            lacks = _wanted(build.manifest if build else None) - values.keys()
            if lacks:  # those that were given before go, and a later run would wait for ever
                told = f"The job asks for {', '.join(sorted(lacks))} too."
                raise Conflict(told, "Give all of its secrets at once.")
            await keep_secrets(tx, job_id, Kept(frozenset(values), sealed), unix_ms())
            await wake(tx, {job_id})
        self._signals.notify("work")
        return sorted(values)

    async def missing(self, job: JobFacts, manifest: Manifest | None) -> tuple[str, ...]:
        """The secrets that the manifest names and that have not come."""
        wanted = _wanted(manifest)
        if not wanted:
            return ()
        async with self._store.read() as tx:
            return tuple(sorted(wanted - await secret_names(tx, job.job_id)))

    async def hand_over(
        self, job_id: JobId, attempt: int, agent: Address, announced: SealingKeyBody
    ) -> bytes:
        """The secrets, sealed to the agent that has claimed this attempt.

        Args:
            announced: the agent's own key.

        Raises:
            NotAllowed: the key is not the agent's, or what is kept was sealed to a key that is not here any more.
            NotFound: the run is not the agent's, or there are no secrets of the job.
            Conflict: its claim is not known here yet, or the run is over.
        """
        recipient = check_announced(announced, self._domain, agent, int(time.time()))
        async with self._store.read() as tx:
            job = await load_job(tx, job_id)
            sealed = await sealed_of(tx, job_id)
        if job is None or sealed is None:
            raise NotFound(f"No secrets of {job_id[:12]} are here.")
        _check_run(job, attempt, agent)
        to = Bound(self._domain, job_id, attempt, agent)
        return await asyncio.to_thread(self._anew, sealed, to, recipient)

    def _anew(self, sealed: bytes, to: Bound, recipient: str) -> bytes:
        values = open_values(sealed, self.key.identity, self._held(to.job_id))
        return seal_values(values, to, recipient)

    def _held(self, job_id: JobId) -> Bound:
        return Bound(self._domain, job_id, None, address_of(self._account.address))


def _wanted(manifest: Manifest | None) -> set[str]:
    return {spec.name for spec in manifest.secrets} if manifest is not None else set()


def _check_run(job: JobFacts, attempt: int, agent: Address) -> None:
    run = next((one for one in job.runs if one.attempt == attempt), None)
    if run is None:
        raise Conflict("The claim is not known here yet.", "Ask again in a moment.")
    if run.provider != agent:
        raise NotFound(f"No secrets of {job.job_id[:12]} are here.")
    if job.attempt != attempt or job.state is not JobState.RUNNING:
        raise Conflict("The run is over.", "")
