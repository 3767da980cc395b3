"""Fetching the secrets of a claimed run from the scheduler, sealed to this agent's own key."""

from __future__ import annotations

import asyncio
import base64
import binascii
import time

import httpx
from eth_account.signers.local import LocalAccount
from pydantic import ValidationError

from agent.link.link import Link
from agent.runs.record import RunRecord
from chain.api import SealedBody
from chain.errors import Conflict, NotFound, Unavailable
from chain.job import Address
from chain.messages import Domain
from chain.sealing_key import SealingKey
from chain.secret_values import Bound, open_values

SECONDS = 10.0
MOST_BYTES = 128 * 1024


class Courier:
    """Asks for secrets.

    Args:
        link: whose session is used.
        key: to which they are sealed.
    """

    def __init__(self, link: Link, key: SealingKey, account: LocalAccount, domain: Domain) -> None:
        self._link = link
        self._key = key
        self._account = account
        self._domain = domain

    @property
    def identity(self) -> str:
        """What opens them; for no log."""
        return self._key.identity

    async def fetch(self, record: RunRecord) -> dict[str, bytes]:
        """The secrets of a run, by name.

        Raises:
            Unavailable: the scheduler does not answer.
            Conflict: it does not know of the claim yet.
            NotFound: it has no secrets of the job, or not all that the manifest names.
            NotAllowed: what it gave is not for this run.
        """
        sealed = await self._ask(record)
        bound = Bound(self._domain, record.job_id, record.attempt, Address(self._account.address))
        values = await asyncio.to_thread(open_values, sealed, self._key.identity, bound)
        missing = sorted({spec.name for spec in record.offer.manifest.secrets} - values.keys())
        if missing:
            raise NotFound(f"The secrets {', '.join(missing)} are not there.")
        return values

    async def _ask(self, record: RunRecord) -> bytes:
        url = self._link.url
        signed = await self._link.session(url)
        body = self._key.announce(self._account, self._domain, int(time.time()))
        path = f"{url}/v1/agents/runs/{record.job_id}/{record.attempt}/secrets"
        shown = {"authorization": f"Bearer {signed.token}"}
        try:
            async with httpx.AsyncClient(timeout=SECONDS, trust_env=False) as http:
                answer = await http.post(path, json=body.model_dump(), headers=shown)
        except httpx.HTTPError as error:
            raise Unavailable(f"The scheduler does not answer: {type(error).__name__}.") from None
        return _read(answer)


def _read(answer: httpx.Response) -> bytes:
    if answer.status_code == 404:
        raise NotFound("The scheduler has no secrets of this job.")
    if answer.status_code == 409:
        raise Conflict("The scheduler does not know of the claim yet.")
    if answer.status_code != 200 or len(answer.content) > MOST_BYTES:
        raise Unavailable(f"The scheduler answers with status {answer.status_code}.")
    try:
        return base64.b64decode(SealedBody.model_validate_json(answer.content).sealed)
    except (ValidationError, binascii.Error):
        raise Unavailable("The scheduler sent what we cannot read.") from None
