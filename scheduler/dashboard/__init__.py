"""`/dashboard`: one page, live, with no build step and nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse

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
    """Serve the page, its style and its script."""
    for path, name, kind in (
        ("/dashboard", "dashboard.html", "text/html"),
        ("/dashboard/dashboard.css", "dashboard.css", "text/css"),
        ("/dashboard/dashboard.js", "dashboard.js", "text/javascript"),
    ):
        _serve(app, path, HERE / name, kind)


def _serve(app: FastAPI, path: str, file: Path, kind: str) -> None:
    @app.get(path, include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(file, media_type=kind, headers=HEADERS)
