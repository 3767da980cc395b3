"""Errors as RFC 9457 problem documents: what happened, and what to do about it."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from chain.errors import DraasError

PROBLEM = "application/problem+json"


class Problem(BaseModel):
    """An error's body."""

    type: str
    title: str
    status: int
    detail: str
    fix: str = ""


RESPONSES: dict[int | str, dict[str, object]] = {
    "4XX": {"model": Problem, "description": "Refused; says why and what to do."},
    "5XX": {"model": Problem, "description": "Something did not answer; try again."},
}


def add_problems(app: FastAPI) -> None:
    """Answer every error in the same form."""

    @app.exception_handler(DraasError)
    async def draas(_: Request, error: DraasError) -> JSONResponse:
        return problem(error.status, type(error).__name__, error.message, error.fix)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        return problem(
            422, "InvalidInput", f"{place}: {first['msg']}.", "Correct it; see /openapi.json."
        )

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, "HTTPException", f"{error.detail}.", "See /openapi.json.")


def problem(status: int, name: str, detail: str, fix: str) -> JSONResponse:
    """One problem document."""
    body = Problem(type="about:blank", title=name, status=status, detail=detail, fix=fix)
    return JSONResponse(body.model_dump(), status_code=status, media_type=PROBLEM)
