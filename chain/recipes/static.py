"""A static site: its files, served on port 8080."""

from __future__ import annotations

from chain.recipes.source import USER, Source, dockerfile, words

PORT = 8080


def recognises(source: Source) -> bool:
    """Whether it is a page with what belongs to it."""
    return bool(source.has("index.html"))


def recipe(source: Source) -> str:
    """Its Dockerfile."""
    return dockerfile(
        f"FROM {source.bases['static']}",
        "COPY . /site",
        f"USER {USER}",
        f"CMD {words(['httpd', '-f', '-p', str(PORT), '-h', '/site'])}",
    )
