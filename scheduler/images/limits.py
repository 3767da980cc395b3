"""What one build may take, and how what it makes is known."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chain.errors import InvalidInput
from chain.manifest import IMAGE
from chain.settings import Env
from scheduler.images.allow import Place, read_place

MIB = 1024**2
STEP_LABEL = "draas.build"  # "1" on all that a build makes on its way, "" on the image itself


@dataclass(frozen=True, slots=True)
class BuildLimits:
    """Limits of one build; all of its steps share them.

    Args:
        cpus: whole processors' worth of time.
        processes: at the same time, threads counted; held where this scheduler may write control groups.
        disk_mib: written by all steps together, base images not counted.
        image_mib: of the finished image, its base counted.
        allow: what its steps may reach; nothing when it is empty.
        bases: images that a Dockerfile may start from; any public one when it is empty.
    """

    memory_mib: int = 2048
    cpus: int = 2
    processes: int = 1024
    disk_mib: int = 8192
    image_mib: int = 4096
    seconds: int = 600
    log_bytes: int = 512 * 1024
    allow: tuple[Place, ...] = ()
    bases: tuple[str, ...] = ()


def read_limits(env: Env) -> BuildLimits:
    """What the environment says of it; faults are told to `env`."""
    allow: list[Place] = []
    for word in _words(env, "BUILD_ALLOW"):
        try:
            allow.append(read_place(word))
        except InvalidInput as error:
            env.fault(f"BUILD_ALLOW: {error.message}")
    bases = _words(env, "BUILD_BASES")
    for base in bases:
        if re.match(IMAGE, base) is None:
            env.fault(f"BUILD_BASES has {base}, which is no image's name")
    return BuildLimits(
        memory_mib=env.whole("BUILD_MEMORY_MIB", 2048, low=64, high=1024**2),
        cpus=env.whole("BUILD_CPUS", 2, low=1, high=1024),
        processes=env.whole("BUILD_PROCESSES", 1024, low=16, high=10**6),
        disk_mib=env.whole("BUILD_DISK_MIB", 8192, low=16, high=1024**2),
        image_mib=env.whole("BUILD_IMAGE_MIB", 4096, low=16, high=1024**2),
        seconds=env.whole("BUILD_S", 600, low=1, high=86400),
        allow=tuple(allow),
        bases=tuple(bases),
    )


def _words(env: Env, name: str) -> list[str]:
    return [word.strip() for word in env.text(name).split(",") if word.strip()]
