"""Who may read what. All that is on-chain is public; log lines, build logs and cancels are for a job's parties.

A party is the consumer, a provider of one of the job's runs, or a juror who was drawn for one of its disputes. To
everybody else a job that is not theirs looks like one that does not exist.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer
from sqlalchemy import select
from starlette.datastructures import Headers

from chain.court import Court
from chain.errors import NotAllowed, NotFound, NotSignedIn
from chain.job import Address, JobId
from scheduler.api.guard import COOKIE, token_of
from scheduler.api.origins import Names
from scheduler.api.views import logs_public
from scheduler.rows import tables as t
from scheduler.rows.database import Store
from scheduler.sessions.nonces import note_used
from scheduler.sessions.tokens import Claims, Role, read_token
from scheduler.watch.jurors import Jurors

_SAFE = ("GET", "HEAD")
NEEDS_SESSION = [  # for the API's description: a route that needs a session lists these; `Access` does the work
    Security(HTTPBearer(scheme_name="session", auto_error=False)),
    Security(APIKeyCookie(scheme_name="cookie", name=COOKIE, auto_error=False)),
]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is signed in.

    Args:
        token: what showed it.
        ambient: a browser sent it by itself, so the page it did so for matters.
    """

    claims: Claims
    token: str
    ambient: bool

    @property
    def address(self) -> Address:
        """By which it acts on-chain."""
        return self.claims.address

    @property
    def expires_at(self) -> int:
        """Unix seconds."""
        return self.claims.expires_at


class Access:
    """Decides who may."""

    def __init__(self, secret: bytes, store: Store, court: Court, names: Names) -> None:
        self.secret = secret
        self._store = store
        self._jurors = Jurors(court)
        self._names = names

    def now(self) -> int:
        """Unix seconds."""
        return int(time.time())

    def caller(self, headers: Headers) -> Caller | None:
        """Who this is, by what came along; None for nobody, or when that does not hold."""
        try:
            return self._named(headers)
        except NotSignedIn:
            return None

    async def signed_in(self, request: Request) -> Caller:
        """Who this is.

        Raises:
            NotSignedIn: nobody, or the session is over.
            NotAllowed: a page from elsewhere made the browser ask.
        """
        caller = self._named(request.headers)
        if caller.ambient:
            self._own_page(request)
        c = t.used_nonces.c
        async with self._store.read() as tx:
            ended = await tx.execute(select(c.nonce).where(c.nonce == _end_mark(caller.token)))
            if ended.first() is not None:
                raise NotSignedIn("The session was ended.", "Sign in again.")
        return caller

    async def reader(self, request: Request, job_id: JobId) -> Caller | None:
        """Who may read the private things of a job; None when everybody may.

        Raises:
            NotSignedIn: nobody is signed in.
            NotFound: there is no such job, or it is not the caller's to read.
        """
        r = t.runs.c
        async with self._store.read() as tx:
            known = select(t.jobs.c.consumer, t.jobs.c.cid).where(t.jobs.c.job_id == job_id)
            job = (await tx.execute(known)).first()
            if job is not None and await logs_public(tx, job.cid):
                return None
            runs = select(r.provider, r.dispute_id).where(r.job_id == job_id)
            ran = (await tx.execute(runs)).all()
        caller = await self.signed_in(request)
        if job is not None:
            parties = {job.consumer, *(run.provider for run in ran)}
            disputes = [int(run.dispute_id) for run in ran if run.dispute_id is not None]
            if caller.address in parties or await self._jurors.judges(caller.address, disputes):
                return caller
        raise hidden(job_id)

    async def consumer(self, request: Request, job_id: JobId) -> Caller:
        """The caller, who posted this job.

        Raises:
            NotSignedIn: nobody is signed in.
            NotFound: there is no such job, or it is another's.
        """
        caller = await self.signed_in(request)
        query = select(t.jobs.c.consumer).where(t.jobs.c.job_id == job_id)
        async with self._store.read() as tx:
            owner = (await tx.execute(query)).scalar()
        if owner is None or owner != caller.address or caller.claims.role != "consumer":
            raise hidden(job_id)
        return caller

    async def end(self, caller: Caller) -> None:
        """The caller's session is over, in every copy of this scheduler."""
        async with self._store.write() as tx:
            await note_used(tx, _end_mark(caller.token), caller.expires_at, self.now())

    def _named(self, headers: Headers) -> Caller:
        token, ambient = token_of(headers)
        if not token:
            raise NotSignedIn("This needs a session.", "Sign in at /v1/session first.")
        role: Role = "agent" if token.startswith("v1.agent.") else "consumer"
        claims = read_token(self.secret, token, role, self.now())
        return Caller(claims, token, ambient)

    def _own_page(self, request: Request) -> None:
        """A browser says from where a request comes: always with one that changes something."""
        headers = request.headers
        origin = headers.get("origin")
        site = headers.get("sec-fetch-site", "same-origin")
        if origin is not None:
            good = self._names.own_origin(origin, headers.get("host", ""))
        else:
            good = request.method in _SAFE and site in ("same-origin", "none")
        if not good:
            raise NotAllowed(
                "A page from elsewhere may not use this session.", "Add it to ALLOWED_ORIGINS."
            )


def hidden(job_id: JobId) -> NotFound:
    """The one answer for what does not exist and for what is not the caller's."""
    return NotFound(
        f"There is no job {job_id[:12]} of yours here.",
        "Check the id, and that you are signed in as one of its parties.",
    )


def _end_mark(token: str) -> str:
    return "end:" + hashlib.sha256(token.encode()).hexdigest()


def _access(request: Request) -> Access:
    access: Access = request.app.state.context.access
    return access


Gatekeeper = Annotated[Access, Depends(_access)]
