"""Server-sent events, as the scheduler's streams speak them (https://html.spec.whatwg.org, 9.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
from pydantic import BaseModel

from chain.errors import NotSignedIn


class BuildPiece(BaseModel):
    """A piece of what a build prints."""

    text: str


async def read_events(response: httpx.Response) -> AsyncIterator[tuple[str, str, str]]:
    """Server-sent events: fields up to an empty line make one event, of which name, id and data count."""
    fields: dict[str, str] = {}
    async for raw in response.aiter_lines():
        if raw:
            name, _, value = raw.partition(":")
            fields[name] = value.removeprefix(" ")
            continue
        name = fields.get("event", "")
        if name == "end":
            return
        if name == "expired":
            raise NotSignedIn("The session has run out.", "Sign in again.")
        if name:
            yield name, fields.get("id", ""), fields.get("data", "")
        fields = {}
