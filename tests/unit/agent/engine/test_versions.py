"""Versions that are known to let programs out."""

from __future__ import annotations

import pytest

from agent.engine.versions import FAULTS, known_faults, version_of

ESCAPES = {"CVE-2025-31133", "CVE-2025-52565", "CVE-2025-52881"}


def names(part: str, version: str) -> set[str]:
    told = known_faults({part: version})
    return {fault.name for fault in FAULTS if any(fault.name in line for line in told)}


@pytest.mark.parametrize("version", ["1.2.8", "1.3.3", "1.3.4+ds1", "1.4.0-rc.3", "1.4.0", "2.0.0"])
def test_mended_versions_of_every_line_are_quiet(version: str) -> None:
    assert names("runc", version) == set()


@pytest.mark.parametrize(
    "version", ["1.1.12", "1.2.7", "1.3.2-0ubuntu1", "1.3.0-rc.2", "1.4.0-rc.2"]
)
def test_the_escapes_of_2025_are_told_of_every_version_before(version: str) -> None:
    assert names("runc", version) == ESCAPES


def test_older_faults_are_told_beside_them_and_what_came_later_is_not() -> None:
    assert names("runc", "1.1.5+ds1") == {*ESCAPES, "CVE-2024-21626"}
    assert names("runc", "1.0.0-rc6") == {
        "CVE-2019-5736", "CVE-2021-30465", "CVE-2025-31133", "CVE-2025-52565", "CVE-2025-52881",
    }  # fmt: skip
    assert names("containerd", "1.6.20~ds1") == {"CVE-2024-40635"}
    assert names("containerd", "1.7.28") == set()
    assert names("engine", "20.10.24+dfsg1") == {"CVE-2024-23652"}


def test_parts_and_versions_that_cannot_be_read_are_left_out() -> None:
    assert known_faults({"runc": "unknown", "crun": "0.1", "": "1.0.0"}) == []
    assert version_of("git-abc") is None


def test_what_is_told_says_which_version_is_good() -> None:
    [line] = [one for one in known_faults({"runc": "1.3.2"}) if "31133" in one]
    assert line.startswith("runc 1.3.2: CVE-2025-31133")
    assert "1.2.8 or 1.3.3 or 1.4.0-rc.3" in line
