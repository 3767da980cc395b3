"""Errors as RFC 9457 problem documents: what happened, and what to do about it."""

from __future__ import annotations

import re
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from chain.errors import DraasError, NotSignedIn
from chain.proxy.answers import PROBLEM, retry_after


class Problem(BaseModel):
    """An error's body."""

    type: str
    title: str
    status: int
    detail: str
    fix: str = ""


_MEANINGS = {
    400: "Not a request that can be read.",
    401: "Nobody is signed in, or the session is over.",
    403: "Not meant for this scheduler, or not allowed.",
    404: "There is no such thing here, or it is not the caller's.",
    409: "It does not fit the present state.",
    413: "Larger than the limit, which is named.",
    422: "Something given cannot be right; its place is named.",
    429: "The caller asks more than its share; Retry-After says for how many seconds to wait.",
    503: "Something did not answer; try again.",
}


def refusals(*more: int) -> dict[int | str, dict[str, Any]]:
    """How a route can refuse, for its description: what any can, and what is particular to it."""
    return {
        code: {
            "description": _MEANINGS[code],
            "content": {PROBLEM: {"schema": Problem.model_json_schema()}},
        }
        for code in sorted({400, 403, 413, 422, 429, 503, *more})
    }


RESPONSES = refusals(404)


def add_problems(app: FastAPI) -> None:
    """Answer every error in the same form."""

    @app.exception_handler(DraasError)
    async def draas(_: Request, error: DraasError) -> JSONResponse:
        return problem_of(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        return problem(
            422, "InvalidInput", f"{place}: {first['msg']}.", "Correct it; see /openapi.json."
        )

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        answer = problem(
            error.status_code, "HTTPException", f"{error.detail}.", "See /openapi.json."
        )
        answer.headers.update(error.headers or {})
        if error.status_code == 405:
            answer.headers["Allow"] = ", ".join(_methods(app, request.url.path))
        return answer


def _methods(app: FastAPI, path: str) -> list[str]:
    """All that the description has for a path; each route by itself knows only its own."""
    described = app.openapi()["paths"]
    found = {method.upper() for method in described.get(path, ())}
    for template, operations in described.items():
        if not found and re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path):
            found |= {method.upper() for method in operations}
    return sorted(found)


def problem_of(error: DraasError) -> JSONResponse:
    """An error of ours as a problem document, with the headers that belong to its status."""
    answer = problem(error.status, type(error).__name__, error.message, error.fix)
    if isinstance(error, NotSignedIn):
        answer.headers["WWW-Authenticate"] = "Bearer"
    if (wait_s := retry_after(error)) is not None:
        answer.headers["Retry-After"] = str(wait_s)
    return answer


def problem(status: int, name: str, detail: str, fix: str) -> JSONResponse:
    """One problem document."""
    body = Problem(type="about:blank", title=name, status=status, detail=detail, fix=fix)
    return JSONResponse(body.model_dump(), status_code=status, media_type=PROBLEM)
