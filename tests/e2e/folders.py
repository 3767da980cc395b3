"""Folders to deploy, one for each thing that can happen."""

from __future__ import annotations

from pathlib import Path

QUICK = {"claim_within": "2m", "duration": "40s"}


def a_folder(path: Path, files: dict[str, str], **manifest: object) -> Path:
    """A bundle with these files and these lines in its manifest."""
    path.mkdir(parents=True)
    for name, text in files.items():
        (path / name).write_text(text)
    lines = {**QUICK, "name": path.name, **manifest}
    (path / "draas.yaml").write_text("".join(f"{key}: {value}\n" for key, value in lines.items()))
    return path


def a_script(path: Path, script: str, **manifest: object) -> Path:
    """A shell script on busybox."""
    manifest.setdefault("resources", "{cpus: 0.2, memory: 32M}")
    dockerfile = 'FROM busybox\nCOPY run.sh /run.sh\nUSER 1000\nENTRYPOINT ["/bin/sh", "/run.sh"]\n'
    return a_folder(path, {"Dockerfile": dockerfile, "run.sh": script}, **manifest)


def a_program(path: Path, source: str, **manifest: object) -> Path:
    """A Python program and no Dockerfile."""
    manifest.setdefault("resources", "{cpus: 0.5, memory: 64M}")
    return a_folder(path, {"main.py": source}, **manifest)
