"""What docs/operate.md and its alerts say is what the code reads and tells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from chain.connect import ESCROW_VARIABLE
from chain.errors import DraasError
from chain.keys import load_account
from chain.log_setup import read_log_settings
from chain.sealing_key import is_shared
from chain.trace import set_up_tracing
from scheduler.settings import read_settings
from scheduler.telemetry.dependencies import NEEDED, OPTIONAL

ROOT = Path(__file__).resolve().parents[2]
OPERATE = (ROOT / "docs/operate.md").read_text()
EXAMPLE = (ROOT / "scheduler.env.example").read_text()
ALERTS = yaml.safe_load((ROOT / "docs/alerts.yml").read_text())["groups"][0]["rules"]
READ_ELSEWHERE = {
    ESCROW_VARIABLE,
    "IPFS_API",
    "IPFS_MAX_MIB",
    "BUILD_DOCKER_HOST",
}  # by `open_book`, `ipfs_api`, `new_client`
# For the front end and the brownie scripts, which read the same file; the rest of a key's settings.
OF_OTHERS = {"NEXT_PUBLIC_NETWORK_ID", "NEXT_PUBLIC_RPC_URL"}


class Asked(Mapping[str, str]):
    """An environment that notes what it is asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def variables() -> set[str]:
    """Every variable that a scheduler reads."""
    asked = Asked({"DOCKER_HUB_PUSH": "1"})
    keystore = Asked({"DRAAS_KEYSTORE": "/nowhere"})
    for read in (read_settings, lambda env: set_up_tracing(env, "scheduler")):
        with suppress(DraasError):
            read(asked)
    read_log_settings(asked, terminal=False)
    is_shared(asked)
    for environ in (asked, keystore):
        with suppress(DraasError):
            load_account(environ, "DRAAS_")
    return asked.names | keystore.names | READ_ELSEWHERE


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading."""
    part = OPERATE.split(f"## {heading}")[1].split("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("|")]
    return lines[2:]


def test_the_table_of_settings_is_complete() -> None:
    told = {re.findall(r"`(\w+)`", row[0])[0] for row in rows("Settings")}
    assert told == variables()


def test_the_example_names_every_setting_and_no_other() -> None:
    told = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", EXAMPLE, re.MULTILINE))
    assert told - OF_OTHERS == variables()


def test_every_dependency_has_a_row_that_says_whether_it_is_needed() -> None:
    told = {row[0].strip("`"): row[1] for row in rows("Is it well?")}
    assert told == dict.fromkeys(NEEDED, "yes") | dict.fromkeys(OPTIONAL, "no")


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_names_figures_that_exist(rule: dict[str, str]) -> None:
    source = "".join(path.read_text() for path in (ROOT / "scheduler").rglob("*.py"))
    source += (ROOT / "chain/instruments.py").read_text()
    for name in re.findall(r"\bdraas_\w+", rule["expr"]):
        assert f'"{re.sub(r"_(count|sum|bucket)$", "", name)}"' in source


def test_every_figure_that_the_document_names_exists() -> None:
    source = "".join(path.read_text() for path in (ROOT / "scheduler").rglob("*.py"))
    source += (ROOT / "chain/instruments.py").read_text()
    named = set(re.findall(r"`(draas_\w+)`", OPERATE))
    assert len(named) > 5
    assert not [name for name in named if f'"{name}"' not in source]
