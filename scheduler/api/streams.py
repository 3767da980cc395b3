"""Server-sent events: one seat for each stream, readers who do not read are dropped, and no word after a session ends.

A stream wakes by signals. Since a signal may be lost, and time alone changes states, it looks again each second; that
look is one query by keys.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from chain.api import Deployment
from chain.errors import TooMany, Unavailable
from chain.job import JobId
from scheduler.api.context import Context
from scheduler.api.seats import Seats
from scheduler.api.tails import Glance
from scheduler.api.views import show_deployment, version_of
from scheduler.rows.states import STATE_NAMES, Moment, state_of_row
from scheduler.sessions.logs import Position
from scheduler.signals import JOBS, wait_for

T = TypeVar("T")
KEEP_ALIVE_S = 10.0
LOOK_S = 1.0
LAST_LINES_S = 3.0
SLOW_S = 20.0  # for which a reader may leave what was sent to it unread
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
OVER = ("Ended", "Disputed", "Closed")
_EVENT = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("event", "data", "id")},
    "required": ["event", "data"],
}
EVENTS: dict[int | str, dict[str, object]] = {  # as a route's description says it
    200: {
        "description": "Server-sent events.",
        "content": {"text/event-stream": {"schema": _EVENT}},
    }
}


async def whole(work: Coroutine[Any, Any, T]) -> T:
    """Do this to its end although the reader goes meanwhile: a query that is cut off costs its connection."""
    return await asyncio.shield(asyncio.create_task(work))


async def glance(context: Context, job_id: JobId) -> Glance | None:
    """A cheap look at a deployment; None when no such job is known."""
    row = await version_of(context.store, job_id)
    if row is None:
        return None
    state = STATE_NAMES[state_of_row(row, Moment(context.clock.now(), context.rules))]
    claimed = row.attempt > 1 or row.reported_at is not None
    return Glance(state, claimed, tuple(row), tuple(sorted(context.degraded().items())))


async def show(context: Context, job_id: JobId) -> Deployment:
    """One deployment at this moment.

    Raises:
        NotFound: no such job is known.
    """
    at = Moment(context.clock.now(), context.rules)
    return await show_deployment(context.store, at, job_id, context.degraded(), context.places)


class EventStream(StreamingResponse):
    """A stream that holds a seat as long as it lasts."""

    media_type = "text/event-stream"

    def __init__(self, content: AsyncIterator[str | bytes], seats: Seats, client: str) -> None:
        super().__init__(content, headers=HEADERS)
        self._seats = seats
        self._client = client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the content or the reader ends.

        Raises:
            TooMany, Unavailable: no seat is free for this client, or for anybody.
        """
        match self._seats.take(self._client):
            case "client":
                raise TooMany("You follow too many streams at once.", "End one first.", 5)
            case "all":
                raise Unavailable("Too many streams are followed at once.", "Try again.")
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._seats.give_back(self._client)

    async def stream_response(self, send: Send) -> None:
        """Each piece has to be taken in time, or the connection is let go."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        async for piece in self.body_iterator:
            data = piece.encode() if isinstance(piece, str) else bytes(piece)
            try:
                async with asyncio.timeout(SLOW_S):
                    await send({"type": "http.response.body", "body": data, "more_body": True})
            except TimeoutError:
                return  # the server cuts a connection whose answer was not finished
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def changes(context: Context, shown: Deployment) -> AsyncIterator[str]:
    """The deployment at once and after every change, until it is Closed."""
    job_id = JobId(shown.job_id)
    seen = await whole(glance(context, job_id))
    with context.signals.listen(f"{JOBS}{job_id}") as hint:
        yield event("deployment", shown.model_dump_json())
        quiet = 0.0
        while shown.state != "Closed":
            await wait_for(hint, LOOK_S)
            hint.clear()
            now = await whole(glance(context, job_id))
            if now is not None and now != seen:  # a reorganisation may bring a job back
                seen, quiet = now, 0.0
                shown = await whole(show(context, job_id))
                yield event("deployment", shown.model_dump_json())
            elif (quiet := quiet + LOOK_S) >= KEEP_ALIVE_S:
                quiet = 0.0
                yield ": keep-alive\n\n"


async def lines(
    context: Context, job_id: JobId, at: Position, follow: bool, until: int | None
) -> AsyncIterator[str | bytes]:
    """Log lines after a position; with `follow` new ones until the job is over.

    Args:
        until: Unix seconds at which the reader's session ends; None when everybody may read.
    """
    quiet = over = 0.0
    tails = context.tails
    with context.signals.listen(f"logs/{job_id}") as hint, tails.reader(job_id) as feed:
        while True:
            if until is not None and context.access.now() > until:
                yield event("expired", "{}")
                return
            hint.clear()
            piece = await tails.next(feed, at)
            if piece is not None:
                at, quiet, over = piece.last, 0.0, 0.0
                yield piece.events
                await asyncio.sleep(0)  # others have their turn, also when all of it is at hand
                continue
            if not follow or over >= LAST_LINES_S:
                break
            await wait_for(hint, LOOK_S)
            now = await whole(feed.glance.get())
            if now is not None and now.state in OVER:
                over += LOOK_S if now.claimed else LAST_LINES_S
            if (quiet := quiet + LOOK_S) >= KEEP_ALIVE_S:
                quiet = 0.0
                yield ": keep-alive\n\n"
    yield event("end", "{}")


def event(name: str, data: str, identity: str = "") -> str:
    """One server-sent event."""
    head = f"id: {identity}\n" if identity else ""
    return f"{head}event: {name}\ndata: {data}\n\n"
