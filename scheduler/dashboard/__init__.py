"""`/dashboard`: one page, live, with no build step and nothing from elsewhere.

What it shows is by strangers for the most part, and goes in as text: no markup is ever made of it, and the policy lets
no script run but the page's own file.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse

from scheduler.dashboard.live import router

HERE = Path(__file__).parent
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def add_dashboard(app: FastAPI) -> None:
    """Serve the page, its style, its script and its events."""
    app.include_router(router)
    for path, name, kind in (
        ("/dashboard", "dashboard.html", "text/html"),
        ("/dashboard/dashboard.css", "dashboard.css", "text/css"),
        ("/dashboard/words.js", "words.js", "text/javascript"),
        ("/dashboard/dashboard.js", "dashboard.js", "text/javascript"),
    ):
        _serve(app, path, HERE / name, kind)


def _serve(app: FastAPI, path: str, file: Path, kind: str) -> None:
    @app.get(path, include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(file, media_type=kind, headers=HEADERS)
