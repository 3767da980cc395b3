"""A Procfile: its `web` process as a service on $PORT, or its one other process as a batch job."""

from __future__ import annotations

import re

from chain.errors import InvalidInput
from chain.manifest import check_manifest
from chain.manifests.conversion import Conversion, Notes
from chain.yaml_text import YamlText

NAME = "Procfile"
MAX_BYTES = 64 * 1024
PORT = 8080
EGRESS = "1M"
_LINE = re.compile(r"^([A-Za-z0-9_-]{1,60}):\s*(.{1,4000})$")


def read_procfile(text: bytes) -> Conversion:
    """Read it.

    Raises:
        InvalidInput: a line that is none of a Procfile, or nothing tells which process to run.
    """
    if len(text) > MAX_BYTES:
        raise InvalidInput(f"{NAME} is larger than {MAX_BYTES // 1024} KiB.", "Shorten it.")
    found: dict[str, str] = {}
    for number, raw in enumerate(text.decode(errors="replace").splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.match(line)
        if match is None or match[1] in found or "\0" in line:
            raise InvalidInput(
                f"{NAME} line {number}: not a new `name: command`.", "Correct it there."
            )
        found[match[1]] = match[2]
    notes = Notes(NAME)
    name = "web" if "web" in found else next(iter(found), "")
    if not found or (name != "web" and len(found) > 1):
        raise InvalidInput(
            f"{NAME} has no web process and not exactly one other.", "Leave one, or call it web."
        )
    for other in sorted(set(found) - {name}):
        notes.say(f"the process {other} is left out: a job is one process")
    data: dict[str, object] = {"name": name, "command": ["/bin/sh", "-c", f"exec {found[name]}"]}
    if name == "web":
        notes.say(f"web answers on port {PORT} (PORT), with {EGRESS} a second of network")
        data |= {"kind": "service", "ports": [PORT], "environment": {"PORT": str(PORT)}}
        data["resources"] = {"egress": EGRESS}
    return Conversion(check_manifest(YamlText(data, {}), NAME), notes.all())
