"""Python: requirements.txt, uv.lock or pyproject.toml, or nothing but the standard library."""

from __future__ import annotations

from chain.errors import InvalidInput
from chain.recipes.source import APP, USER, Source, dockerfile, words

ENTRIES = ("main.py", "app.py", "__main__.py")
MARKS = ("requirements.txt", "pyproject.toml", "uv.lock", *ENTRIES)
UV = "uv==0.9.11"


def recognises(source: Source) -> bool:
    """Whether it is a Python folder, or its command runs Python."""
    first = source.command[0] if source.command else ""
    return (
        first.startswith("python")
        or bool(source.has(*MARKS))
        or any(name.endswith(".py") for name in source.names)
    )


def recipe(source: Source) -> str:
    """Its Dockerfile.

    Raises:
        InvalidInput: nothing tells what to run.
    """
    entry = source.has(*ENTRIES)
    if not entry and source.command is None:
        raise InvalidInput(
            "The bundle has no Dockerfile, no main.py or app.py, and its manifest names no command.",
            "Add one of them.",
        )
    return dockerfile(
        f"FROM {source.bases['python']}",
        f"WORKDIR {APP}",
        "ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1",
        *_dependencies(source),
        f"COPY . {APP}",
        f"USER {USER}",
        f"CMD {words(['python3', entry])}" if entry else "",
    )


def _dependencies(source: Source) -> list[str]:
    """Before the code, so that a changed source file costs one layer."""
    if source.has("uv.lock") and source.has("pyproject.toml"):
        return [
            f"RUN python3 -m pip install --no-cache-dir {UV}",
            f"COPY pyproject.toml uv.lock {APP}/",
            "RUN uv sync --frozen --no-dev --no-install-project --no-cache",
            f"ENV PATH={APP}/.venv/bin:$PATH",
        ]
    if source.has("requirements.txt"):
        return [
            f"COPY requirements.txt {APP}/",
            "RUN python3 -m pip install --no-cache-dir -r requirements.txt",
        ]
    if source.has("pyproject.toml") and b"[build-system]" in source.read("pyproject.toml"):
        return [f"COPY . {APP}", "RUN python3 -m pip install --no-cache-dir ."]
    return []
