"""What one build may take, and how what it makes is known."""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.images.allow import Place

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
