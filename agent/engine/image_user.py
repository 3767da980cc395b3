"""Looks a user up in an image, without running anything of it. Blocking: for a thread."""

from __future__ import annotations

import io
import secrets
import tarfile
import time
from contextlib import suppress
from typing import Any

from docker import APIClient
from docker.errors import APIError, NotFound

from agent.engine.passwd import user_in
from chain.job import Digest

PASSWD = "/etc/passwd"  # noqa: S105 - a path
PASSWD_MOST = 1024 * 1024  # bytes of the archive with it
LABEL_LOOK = "draas.look"
LEFT_S = 600  # after which a container that was made to be looked into is a dead agent's


def look_up(api: APIClient, digest: Digest, user: str) -> str:
    """A named user's numbers by the image's /etc/passwd; "" for root, and for whoever is not found there."""
    _remove_leftovers(api)
    body: dict[str, Any] = {"Image": digest, "Cmd": ["-"], "HostConfig": {"NetworkMode": "none"}}
    body["Labels"] = {LABEL_LOOK: "1"}
    made = api.create_container_from_config(body, f"draas-look-{secrets.token_hex(6)}")
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


def _remove_leftovers(api: APIClient) -> None:
    """An image stays for as long as a container is made of it."""
    made = {"label": f"{LABEL_LOOK}=1", "status": "created"}
    for one in api.containers(all=True, filters=made):
        if one["Names"][0].startswith("/draas-look-") and one["Created"] < time.time() - LEFT_S:
            with suppress(APIError):  # somebody else removes it
                api.remove_container(one["Id"], v=True, force=True)


def _first_file(packed: bytes) -> str:
    """The text of an archive's first entry, if that is a plain file."""
    try:
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            entry = archive.next()
            file = archive.extractfile(entry) if entry is not None and entry.isreg() else None
            return file.read(PASSWD_MOST).decode(errors="replace") if file is not None else ""
    except tarfile.TarError:
        return ""
