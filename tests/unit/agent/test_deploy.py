"""The unit for systemd, the image and what the document says of them fit each other."""

from __future__ import annotations

import re
from configparser import RawConfigParser
from pathlib import Path

from tests.e2e.test_agent_image import CAPABILITIES

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "agent/deploy"
PROVIDER = (ROOT / "docs/provider.md").read_text()


def service() -> dict[str, str]:
    unit = RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "draas-agent.service")
    return dict(unit["Service"])


def test_the_unit_starts_the_agent_again_and_leaves_alone_who_watches_leases() -> None:
    unit = service()
    assert (unit["Restart"], unit["KillMode"]) == ("always", "process")
    assert unit["ExecStart"].endswith("/python -m agent")
    # With a mount namespace of its own, Docker would not see what the agent mounts.
    apart = {
        "PrivateTmp",
        "ProtectSystem",
        "ProtectHome",
        "PrivateMounts",
        "ReadWritePaths",
        "PrivateDevices",
    }
    assert not apart & set(unit)


def test_unit_and_container_have_the_same_rights() -> None:
    by_unit = {name.removeprefix("CAP_") for name in service()["CapabilityBoundingSet"].split()}
    by_document = set(re.findall(r"--cap-add ([A-Z_]+)", PROVIDER))
    assert by_unit == by_document == set(CAPABILITIES)


def test_every_line_of_the_check_is_in_the_document() -> None:
    source = "".join(path.read_text() for path in (ROOT / "agent/check").glob("*.py"))
    names = set(re.findall(r'(?:Line|rated)\(\s*"(\w+)"', source))
    assert len(names) > 15
    assert not [name for name in names if f"`{name}`" not in PROVIDER]


def test_the_image_takes_only_packages_of_the_pinned_hashes() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    assert "--require-hashes" in text
    assert "--no-index" in text
