"""A run's secrets on this machine: files in a memory file system, which the container sees at /run/secrets.

They are never on a disk of ours, are readable for the container's user alone, and survive a restart of the agent, but
neither the run nor a reboot. Mounting needs root, as for results.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from agent.container.results import can_mount, mount_memory, unmount_space
from agent.engine.facts import EngineFacts
from chain.errors import InvalidInput
from chain.secret_spec import SecretSpec

SPACE = "secrets"  # where it is mounted, in the run's folder
_OPTIONS = "size=1m,nr_inodes=128,mode=0500"
WITHHELD = "What it printed last is not kept: the secrets to hide in it are not here any more."
NO_PLACE = "secrets need an agent that is root on the Engine's own machine, and users that are not remapped"


class SecretSpace:
    """The secrets of one run. Blocking, but only with memory.

    Args:
        folder: of the run.
        specs: as its manifest names them; none for a run that has none.
    """

    def __init__(self, folder: Path, specs: Sequence[SecretSpec] = ()) -> None:
        self._space = folder / SPACE
        self._specs = tuple(specs)

    @property
    def wanted(self) -> tuple[str, ...]:
        """What they are called."""
        return tuple(spec.name for spec in self._specs)

    @property
    def lacks(self) -> bool:
        """Whether any has not come, or is gone with a reboot."""
        return any(not (self._space / name).is_file() for name in self.wanted)

    def prepare(self, user: str) -> str:
        """Have the space for a container of this user ("1000" or "1000:1000"); the folder to mount, "" for none."""
        if not self._specs:
            return ""
        owner, _, group = user.partition(":")
        kept = self.values()
        unmount_space(self._space)
        self._space.mkdir(mode=0o700, exist_ok=True, parents=True)
        os.chown(self._space, int(owner), int(group or 0))
        self.keep(kept)
        return str(self._space)

    def keep(self, values: Mapping[str, bytes]) -> None:
        """Put them there.

        Raises:
            Unavailable: the kernel refuses to mount.
        """
        self._space.mkdir(mode=0o700, exist_ok=True, parents=True)
        owner = self._space.stat()  # on the disk below it is noted too, for after a reboot
        mount_memory(self._space, f"{_OPTIONS},uid={owner.st_uid},gid={owner.st_gid}")
        for name in self.wanted:
            if name not in values:
                continue
            # Whole, or not there: an empty one would be taken for the secret.
            beside = self._space / f".{name}.new"
            beside.unlink(missing_ok=True)
            file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o400)
            with os.fdopen(file, "wb") as opened:
                opened.write(values[name])
                os.fchown(opened.fileno(), owner.st_uid, owner.st_gid)
            beside.rename(self._space / name)

    def values(self) -> dict[str, bytes]:
        """Those that are here."""
        paths = [self._space / name for name in self.wanted]
        return {path.name: path.read_bytes() for path in paths if path.is_file()}

    def to_hide(self) -> list[bytes]:
        """What must not be seen in the run's output."""
        return list(self.values().values())

    def environment(self) -> tuple[str, ...]:
        """Those that are asked for as variables, as NAME=value.

        Raises:
            InvalidInput: one cannot be the value of a variable.
        """
        values, lines = self.values(), []
        for name in [spec.name for spec in self._specs if spec.env and spec.name in values]:
            try:
                text = values[name].decode()
            except UnicodeDecodeError:
                text = "\0"
            if "\0" in text:
                raise InvalidInput(
                    f"The secret {name} is no text, and so no variable's value.", "Read its file."
                )
            lines.append(f"{name}={text}")
        return tuple(lines)

    def remove(self) -> None:
        """Forget them."""
        unmount_space(self._space)


def why_not(specs: Sequence[SecretSpec], facts: EngineFacts) -> str:
    """Why a job's secrets cannot be had here; "" when they can."""
    good = facts.local and can_mount() and not facts.remapped
    return NO_PLACE if specs and not good else ""
