"""The scheduler's HTTP API, as the consumer's command line uses it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from chain.api import (
    BundleReceipt,
    Deployment,
    DeploymentPage,
    DeploymentSummary,
    Market,
    OutcomeAnswer,
    SealedBody,
)
from chain.errors import (
    Conflict,
    DraasError,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotSignedIn,
    TooLarge,
    TooMany,
    Unavailable,
)
from chain.job import Address, JobId
from chain.market_api import AgentBody, AgentPage
from chain.sealing_key import SealingKeyBody
from chain.wire import LogLine
from cli.event_stream import BuildPiece, read_events
from cli.signin import Credentials

Body = TypeVar("Body", bound=BaseModel)
_BY_STATUS: dict[int, type[DraasError]] = {
    400: InvalidInput,
    401: NotSignedIn,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    422: InvalidInput,
    429: TooMany,
    503: Unavailable,
}

ASK_AGAIN = 8  # times, when one asks more than one's share
LONGEST_WAIT_S = 10.0


class StoredLine(LogLine):
    """A log line as the scheduler keeps it."""

    attempt: int


@dataclass(frozen=True, slots=True)
class LogEvent:
    """A log line with the cursor from which to go on after it."""

    cursor: str
    line: StoredLine


class SchedulerApi:
    """One scheduler. Answers are checked against the wire types; refusals become our errors."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.credentials: Credentials | None = None  # what is private needs them
        self._http = httpx.AsyncClient(base_url=self.url, timeout=30.0, trust_env=False)

    async def __aenter__(self) -> SchedulerApi:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def market(self) -> Market:
        """Where the market lives, and its rules."""
        return _read(Market, await self._get("/v1/market"))

    async def upload(
        self, archive: bytes, consumer: Address, salt: str, *, watch: bool = False
    ) -> BundleReceipt:
        """Give the bundle to the scheduler, which puts it on IPFS and works out the terms."""
        response = await self._send(
            "POST",
            "/v1/bundles",
            params={"consumer": consumer, "salt": salt} | ({"watch": "true"} if watch else {}),
            content=archive,
            headers={"content-type": "application/x-tar"},
        )
        return _read(BundleReceipt, response)

    async def sealing_key(self) -> SealingKeyBody:
        """The key to which one seals for the scheduler; whose it is has to be checked."""
        return _read(SealingKeyBody, await self._get("/v1/sealing-key"))

    async def put_secrets(self, job_id: JobId, sealed: bytes) -> None:
        """Give a job's sealed secrets. Signs in when that is needed."""
        body = SealedBody(sealed=base64.b64encode(sealed).decode()).model_dump_json().encode()
        path, kind = f"/v1/deployments/{job_id}/secrets", {"content-type": "application/json"}
        await self._signed_in(lambda: self._send("POST", path, content=body, headers=kind))

    async def deployment(self, job_id: JobId) -> Deployment:
        """One deployment.

        Raises:
            NotFound: the scheduler has not seen such a job.
        """
        return _read(Deployment, await self._get(f"/v1/deployments/{job_id}"))

    async def deployments(self, consumer: Address, group: str = "") -> list[DeploymentSummary]:
        """All deployments of a consumer, or of one group, newest first as the scheduler orders them."""
        found: list[DeploymentSummary] = []
        cursor: str | None = None
        while True:
            params = {"consumer": consumer, "limit": "100"} | ({"cursor": cursor} if cursor else {})
            params |= {"group": group} if group else {}
            page = _read(DeploymentPage, await self._get("/v1/deployments", params))
            found += page.items
            cursor = page.next
            if cursor is None:
                return found

    async def outcome(self, job_id: JobId) -> OutcomeAnswer:
        """What the newest run's provider vouches for; for the consumer, who is signed in for it."""
        path = f"/v1/deployments/{job_id}/outcome"
        return _read(OutcomeAnswer, await self._signed_in(lambda: self._get(path)))

    async def _signed_in(self, ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        """The answer; asked again with a new session where there was none."""
        try:
            return await ask()
        except NotSignedIn:
            if self.credentials is None:
                raise
            await self._sign_in(self.credentials)
        return await ask()

    async def agents(self) -> list[AgentBody]:
        """The agents that the scheduler knows."""
        return _read(AgentPage, await self._get("/v1/agents")).items

    async def logs(
        self, job_id: JobId, follow: bool, after: str = "", tail: int | None = None
    ) -> AsyncIterator[LogEvent]:
        """Log lines from `after` on, or the last `tail`; with `follow` until the deployment has ended. Signs in when
        that is needed."""
        params = {"follow": "true" if follow else "false"}
        if tail is not None and not after:
            params["tail"] = str(tail)
        async for name, cursor, data in self._stream(
            f"/v1/deployments/{job_id}/logs", params, after
        ):
            if name == "log":
                yield LogEvent(cursor, StoredLine.model_validate_json(data))

    async def build_output(self, job_id: JobId, after: str = "") -> AsyncIterator[tuple[str, str]]:
        """What the build prints from `after` on, until it is over: cursors, each with a piece of whole lines. Signs in
        when that is needed."""
        path = f"/v1/deployments/{job_id}/build-log/events"
        async for name, cursor, data in self._stream(path, {}, after):
            if name == "build":
                yield cursor, BuildPiece.model_validate_json(data).text

    async def _stream(
        self, path: str, params: dict[str, str], after: str
    ) -> AsyncIterator[tuple[str, str, str]]:
        """Events as name, cursor and data, going on with a new session where the old one ends."""
        renewed = False
        while True:
            try:
                async for event in self._events(path, params, after):
                    renewed, after = False, event[1] or after
                    params = {name: value for name, value in params.items() if name != "tail"}
                    yield event
                return
            except NotSignedIn:
                if renewed or self.credentials is None:
                    raise
                renewed = True
                await self._sign_in(self.credentials)

    async def _events(
        self, path: str, params: dict[str, str], after: str
    ) -> AsyncIterator[tuple[str, str, str]]:
        headers = self._headers() | ({"last-event-id": after} if after else {})
        timeout = httpx.Timeout(30, read=None)
        request = self._http.stream("GET", path, params=params, headers=headers, timeout=timeout)
        try:
            async with request as response:
                if not response.is_success:
                    await response.aread()
                    raise _refusal(response)
                async for event in read_events(response):
                    yield event
        except httpx.HTTPError:
            raise self._silent() from None

    async def _get(self, path: str, params: dict[str, str] | None = None) -> httpx.Response:
        return await self._send("GET", path, params=params)

    async def _send(
        self,
        method: str,
        path: str,
        params: dict[str, str] | None = None,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        for _ in range(ASK_AGAIN):
            try:
                response = await self._http.request(
                    method,
                    path,
                    params=params,
                    content=content,
                    headers=self._headers() | (headers or {}),
                )
            except httpx.HTTPError:
                raise self._silent() from None
            if response.status_code != 429:
                break
            await asyncio.sleep(min(LONGEST_WAIT_S, _wait_of(response)))
        if not response.is_success:
            raise _refusal(response)
        return response

    def _headers(self) -> dict[str, str]:
        token = self.credentials.token(self.url) if self.credentials else ""
        return {"authorization": f"Bearer {token}"} if token else {}

    async def _sign_in(self, credentials: Credentials) -> None:
        try:
            await credentials.renew(self._http, self.url)
        except httpx.HTTPStatusError as refused:
            raise _refusal(refused.response) from None
        except httpx.HTTPError:
            raise self._silent() from None

    def _silent(self) -> Unavailable:
        return Unavailable(
            f"The scheduler at {self.url} does not answer.",
            "Start a market with `draas up`, or name another scheduler in SCHEDULER_URL.",
        )


def _wait_of(response: httpx.Response) -> float:
    told = response.headers.get("retry-after", "")
    return float(told) if told.isascii() and told.isdigit() else 1.0


def _read(kind: type[Body], response: httpx.Response) -> Body:
    try:
        return kind.model_validate_json(response.content)
    except ValidationError:
        raise Unavailable(
            f"{response.url} answered something that is not a {kind.__name__}.",
            "Check that SCHEDULER_URL is a DRaaS scheduler of this version.",
        ) from None


def _refusal(response: httpx.Response) -> DraasError:
    """An RFC 9457 problem document as the error it was made from."""
    kind = _BY_STATUS.get(response.status_code, Unavailable)
    try:
        problem = json.loads(response.content)
    except ValueError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    message = str(
        problem.get("detail")
        or problem.get("title")
        or f"The scheduler answered {response.status_code}."
    )
    return kind(message, str(problem.get("fix") or ""))
