"""Answers that a client need not read again: weak entity tags (RFC 9110), and 304 for who has them."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

_TAG = re.compile(r'(?:W/)?"([^"]*)"')
NOT_CHANGED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Nothing changed since the answer of the tag in If-None-Match."}
}


def tag_of(*parts: object) -> str:
    """A weak tag that differs when one of these does."""
    digest = hashlib.blake2b(digest_size=12)
    for part in parts:
        digest.update(part if isinstance(part, bytes) else repr(part).encode())
        digest.update(b"\0")
    return f'W/"{digest.hexdigest()}"'


def has_it(request: Request, tag: str) -> bool:
    """Whether the client has the answer of this tag."""
    told = request.headers.get("if-none-match", "")
    return told.strip() == "*" or tag.removeprefix("W/").strip('"') in _TAG.findall(told)


def unchanged(tag: str) -> Response:
    """304, without a body."""
    return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "no-cache"})


def answer(request: Request, body: BaseModel, tag: str | None = None) -> Response:
    """The body as JSON with its tag, or 304. Without a tag, the content is the tag."""
    content = body.model_dump_json().encode()
    tag = tag or tag_of(content)
    if has_it(request, tag):
        return unchanged(tag)
    return Response(
        content,
        media_type="application/json",
        headers={"ETag": tag, "Cache-Control": "no-cache"},
    )
