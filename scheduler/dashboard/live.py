"""GET /dashboard/events: the dashboard's figures as server-sent events, one look for all who watch."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request

from chain.errors import DraasError
from scheduler.api.context import Ctx
from scheduler.api.recent import Recent
from scheduler.api.streams import EventStream, event, whole
from scheduler.dashboard.now import Now, look

router = APIRouter(include_in_schema=False)
EVERY_S = 1.0


@router.get("/dashboard/events")
async def events(context: Ctx, request: Request) -> EventStream:
    """An event `now` a second; `same` where nothing changed; `old` where nothing newer was found, and how old that is;
    `fault` where the database does not answer."""
    recent: Recent[Now] | None = getattr(request.app.state, "dashboard", None)
    if recent is None:
        recent = request.app.state.dashboard = Recent(lambda: look(context))
    return EventStream(_told(recent), context.gate.seats, request.scope["client_name"])


async def _told(recent: Recent[Now]) -> AsyncIterator[str]:
    before = ""
    while True:
        try:
            now = (await whole(recent.get())).model_dump_json()
        except DraasError as error:
            before = ""
            yield event("fault", json.dumps({"why": str(error)}))
        else:
            if outdated_s := recent.outdated_s:
                yield event("old", json.dumps({"outdated_s": outdated_s}))
            else:
                yield event("same", "{}") if now == before else event("now", now)
                before = now
        await asyncio.sleep(EVERY_S)
