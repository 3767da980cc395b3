"""Looks a user up in an image, without running anything of it. Blocking: for a thread."""

from __future__ import annotations

import io
import os
import tarfile
from typing import Any

from docker import APIClient
from docker.errors import NotFound

from agent.passwd import user_in
from chain.job import Digest

PASSWD = "/etc/passwd"  # noqa: S105 - a path
PASSWD_MOST = 1024 * 1024  # bytes of the archive with it


def look_up(api: APIClient, digest: Digest, user: str) -> str:
    """A named user's numbers by the image's /etc/passwd; "" for root, and for whoever is not found there."""
    name = f"draas-look-{digest.removeprefix('sha256:')[:12]}-{os.getpid()}"
    body: dict[str, Any] = {"Image": digest, "Cmd": ["-"], "HostConfig": {"NetworkMode": "none"}}
    made = api.create_container_from_config(body, name)
    try:
        chunks, _ = api.get_archive(made["Id"], PASSWD)
        packed = bytearray()
        for chunk in chunks:
            packed += chunk
            if len(packed) > PASSWD_MOST:
                return ""
    except NotFound:
        return ""
    finally:
        api.remove_container(made["Id"], v=True, force=True)
    return user_in(_first_file(bytes(packed)), user)


def _first_file(packed: bytes) -> str:
    """The text of an archive's first entry, if that is a plain file."""
    try:
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            entry = archive.next()
            file = archive.extractfile(entry) if entry is not None and entry.isreg() else None
            return file.read(PASSWD_MOST).decode(errors="replace") if file is not None else ""
    except tarfile.TarError:
        return ""
