"""GET /dashboard/events: the dashboard's figures as server-sent events, one look for all who watch."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request

from chain.errors import DraasError
from scheduler.api.context import Context, Ctx
from scheduler.api.recent import Recent
from scheduler.api.streams import EventStream, event, whole
from scheduler.dashboard.now import Now, look

router = APIRouter(include_in_schema=False)
EVERY_S = 1.0
LOOK_MOST_S = 2.0  # for which a look is good, also when it took long


@router.get("/dashboard/events")
async def events(context: Ctx, request: Request) -> EventStream:
    """Each second `now` where something changed, and `age`: how old that is, where nothing newer could be found.

    `fault` where the database does not answer.
    """
    recent: Recent[Now] | None = getattr(request.app.state, "dashboard", None)
    if recent is None:
        recent = request.app.state.dashboard = Recent(lambda: look(context), LOOK_MOST_S)
    return EventStream(_told(recent, context), context.gate.seats, request.scope["client_name"])


async def _told(recent: Recent[Now], context: Context) -> AsyncIterator[str]:
    before = ""
    while True:
        try:
            now = (await whole(recent.get())).model_dump_json()
        except DraasError as error:
            before = ""
            yield event("fault", json.dumps({"why": str(error)}))
        else:
            if now != before:
                yield event("now", now)
            before = now
            late = max(recent.outdated_s, context.overview.outdated_s)
            yield event("age", json.dumps({"outdated_s": late}))
        await asyncio.sleep(EVERY_S)
