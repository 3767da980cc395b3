"""An agent's settings in one file of NAME=value lines, which systemd and a shell read as well."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from chain.errors import Conflict, InvalidInput, NotFound
from chain.settings import home_of

ENV_NAME = "agent.env"
_LINE = re.compile(r"^([A-Z][A-Z0-9_]*)=(.*)$")
HEADER = "# What this agent reads. The whole list is in agent.env.example; `draas agent check` tells what does not fit."


def env_path(environ: Mapping[str, str]) -> Path:
    """Where the file is: in DRAAS_HOME."""
    return home_of(environ) / ENV_NAME


def read_env(path: Path) -> dict[str, str]:
    """What the file says; nothing where there is none.

    Raises:
        InvalidInput: a line cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.match(line.strip())
        try:
            words = shlex.split(match[2]) if match else None
        except ValueError:
            words = None
        if match is None or words is None:
            raise InvalidInput(f"Line {number} of {path} is not like NAME=value.", "Correct it.")
        found[match[1]] = " ".join(words)
    return found


def agent_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of an agent here: the file's settings, and over them what is set already.

    Raises:
        NotFound: no agent was set up here.
    """
    path = env_path(environ)
    settings = read_env(path)
    if not settings and not environ.get("DRAAS_KEYSTORE") and not environ.get("DRAAS_PRIVATE_KEY"):
        raise NotFound(
            f"There is no agent in {path.parent}.", "Run `draas agent init`, or set DRAAS_HOME."
        )
    return {**settings, **environ}


def env_text(settings: Mapping[str, str]) -> str:
    """The file for these settings."""
    return "\n".join([HEADER, *(_line(name, value) for name, value in settings.items())]) + "\n"


def changed_text(text: str, changes: Mapping[str, str]) -> str:
    """The same file with other values; what is not there yet comes last, and the rest stays as it was."""
    left = dict(changes)
    lines = []
    for line in text.splitlines():
        match = _LINE.match(line.strip())
        name = match[1] if match else ""
        lines.append(_line(name, left.pop(name)) if name in left else line)
    return "\n".join([*lines, *(_line(name, value) for name, value in left.items())]) + "\n"


def _line(name: str, value: str) -> str:
    return f"{name}={shlex.quote(value)}"


def write_new(path: Path, text: str) -> None:
    """Write a file that only its owner can read.

    Raises:
        Conflict: there is one already.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict(f"{path} exists.", "Move it away first, or set DRAAS_HOME.") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def change_env(path: Path, changes: Mapping[str, str]) -> None:
    """Set some values, so that a crash leaves the old file or the new one."""
    text = path.read_text(encoding="utf-8") if path.exists() else HEADER + "\n"
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    write_new(new, changed_text(text, changes))
    new.rename(path)
