"""Node: package.json with the lock of npm, yarn or pnpm, or one file without dependencies."""

from __future__ import annotations

from typing import Any

from chain.errors import InvalidInput
from chain.recipes.source import APP, USER, Source, dockerfile, words

ENTRIES = ("server.js", "index.js", "main.js", "app.js", "server.mjs", "index.mjs")
_INSTALLS = {
    "package-lock.json": ("", "npm ci"),
    "pnpm-lock.yaml": ("RUN corepack enable", "pnpm install --frozen-lockfile"),
    "yarn.lock": ("RUN corepack enable", "yarn install --frozen-lockfile"),
}


def recognises(source: Source) -> bool:
    """Whether it is a Node folder."""
    return bool(source.has("package.json", *ENTRIES))


def recipe(source: Source) -> str:
    """Its Dockerfile.

    Raises:
        InvalidInput: nothing tells what to run, or package.json cannot be read.
    """
    package = source.read_json("package.json") if source.has("package.json") else {}
    scripts = _object(package.get("scripts"))
    start = _start(source, package, scripts)
    if start is None and source.command is None:
        raise InvalidInput(
            "package.json names no start script and no main file, and the manifest no command.",
            "Add one of them.",
        )
    lock = source.has(*_INSTALLS)
    before, install = _INSTALLS.get(lock, ("", "npm install"))
    needs = bool(_object(package.get("dependencies"))) or "build" in scripts
    builds = "build" in scripts
    return dockerfile(
        f"FROM {source.bases['node']}",
        f"WORKDIR {APP}",
        before if needs else "",
        f"COPY package.json {lock} {APP}/".replace("  ", " ") if needs else "",
        f"RUN {install}" if needs and builds else "",
        f"RUN {install} {_only_what_runs(lock)}" if needs and not builds else "",
        f"COPY . {APP}",
        "RUN npm run build" if builds else "",
        "ENV NODE_ENV=production",
        f"USER {USER}",
        f"CMD {words(start)}" if start else "",
    )


def _only_what_runs(lock: str) -> str:
    return {"yarn.lock": "--production", "pnpm-lock.yaml": "--prod"}.get(lock, "--omit=dev")


def _start(source: Source, package: dict[str, Any], scripts: dict[str, Any]) -> list[str] | None:
    if "start" in scripts:
        return ["npm", "start"]
    main = package.get("main")
    if isinstance(main, str) and main and "\n" not in main:
        return ["node", main]
    entry = source.has(*ENTRIES)
    return ["node", entry] if entry else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
