"""Versions of the container's machinery from which programs are known to have broken out. Pure.

A distribution may mend a fault without a new number: what is told names what to look for in its changelog.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

Version = tuple[int, ...]
_NUMBERS = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:[-~]?rc[.-]?(\d+))?")
FINAL = 10**6  # a release candidate comes before the version that it becomes


@dataclass(frozen=True, slots=True)
class Fault:
    """A way out that is known.

    Args:
        part: in which it is: runc, containerd, engine.
        name: for its advisory.
        what: in a few words.
        mended: the first good version of each line that was mended, oldest line first; older lines stay bad.
        since: the first bad version.
    """

    part: str
    name: str
    what: str
    mended: tuple[str, ...]
    since: str = "0.0.0"


FAULTS = (
    Fault("runc", "CVE-2019-5736", "a container can overwrite runc on the host", ("1.0.0-rc7",)),
    Fault("runc", "CVE-2021-30465", "mounts can be raced onto the host", ("1.0.0-rc95",)),
    Fault("runc", "CVE-2024-21626", "a working directory leads to the host's files",
          ("1.1.12",), "1.0.0-rc93"),
    Fault("runc", "CVE-2025-31133", "masked paths can be swapped to write to the host's /proc",
          ("1.2.8", "1.3.3", "1.4.0-rc.3")),
    Fault("runc", "CVE-2025-52565", "/dev/console can be swapped to write to the host's /proc",
          ("1.2.8", "1.3.3", "1.4.0-rc.3"), "1.0.0-rc3"),
    Fault("runc", "CVE-2025-52881", "writes to /proc can be led elsewhere, past AppArmor",
          ("1.2.8", "1.3.3", "1.4.0-rc.3")),
    Fault("containerd", "CVE-2024-40635", "a very large user number becomes root",
          ("1.6.38", "1.7.27", "2.0.4")),
    Fault("engine", "CVE-2024-23652", "a build can delete files of the host", ("24.0.9", "25.0.2")),
)  # fmt: skip


def version_of(text: str) -> Version | None:
    """`1.3.0-rc.2+ds1` as numbers that compare; None when it is none."""
    match = _NUMBERS.search(text)
    if match is None:
        return None
    major, minor, patch, candidate = match.groups()
    return int(major), int(minor), int(patch or 0), int(candidate or FINAL)


def is_mended(fault: Fault, version: Version) -> bool:
    """Whether this version has no such fault (any more)."""
    since = version_of(fault.since)
    if since is not None and version < since:
        return True
    mended = [found for text in fault.mended if (found := version_of(text)) is not None]
    same_line = [one for one in mended if one[:2] == version[:2]]
    return version >= (same_line[0] if same_line else mended[-1])


def known_faults(versions: Mapping[str, str]) -> list[str]:
    """The known ways out of containers of these versions, for the machine's owner; empty when none is known.

    Args:
        versions: part → version, as in `EngineFacts.versions`. Parts that are not known are left out.
    """
    told = []
    for fault in FAULTS:
        text = versions.get(fault.part, "")
        version = version_of(text)
        if version is not None and not is_mended(fault, version):
            better = " or ".join(fault.mended)
            told.append(
                f"{fault.part} {text}: {fault.name}, {fault.what}; mended in {better} "
                "(or by your distribution, see its changelog)"
            )
    return told
