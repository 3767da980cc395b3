"""A new agent's key is encrypted, told to nobody, and never written over."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from chain.errors import Conflict, DraasError, InvalidInput, NotAllowed
from chain.keys import load_account, save_keystore
from chain.prices import PRICES
from cli.agent_env import read_env
from cli.agent_init import Plan, check_settings, set_up

PRICED = dict(PRICES.values())
KEY = "ab" * 32


def plan(home: Path, **more: Any) -> Plan:
    return Plan(home, {"AGENT_CPUS": "2", "AGENT_MEMORY": "2G"}, PRICED, **more)


def test_a_new_key_opens_with_the_password_that_was_made_for_it(tmp_path: Path) -> None:
    made = set_up(plan(tmp_path / "home"))
    settings = read_env(made.env)
    assert str(load_account(settings, "DRAAS_").address) == str(made.address)
    assert made.password_file is not None
    assert {path.stat().st_mode & 0o777 for path in made.home.iterdir()} == {0o600}
    assert made.home.stat().st_mode & 0o777 == 0o700
    assert settings["AGENT_RATES_CPU_HOUR"] == "0.05"
    assert json.loads(made.keystore.read_text())["crypto"]["kdf"] == "scrypt"


def test_a_key_that_is_taken_over_is_nowhere_in_the_clear(tmp_path: Path) -> None:
    made = set_up(plan(tmp_path / "home", key=f"0x{KEY}", password="long enough"))
    assert made.address == Account.from_key(KEY).address
    assert KEY not in "".join(path.read_text() for path in made.home.iterdir())
    assert KEY not in repr(made)
    assert "long enough" not in "".join(path.read_text() for path in made.home.iterdir())
    assert made.password_file is None


def test_a_keystore_is_taken_over_with_its_password_and_not_without(tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    address = save_keystore(old, "pw", Account.from_key(KEY))
    with pytest.raises(NotAllowed):
        set_up(plan(tmp_path / "a", keystore=old, password="wrong"))
    with pytest.raises(InvalidInput):
        set_up(plan(tmp_path / "a", keystore=old))
    assert not (tmp_path / "a").exists()
    assert set_up(plan(tmp_path / "a", keystore=old, password="pw")).address == address


@pytest.mark.parametrize("name", ["agent.env", "provider.json", "provider.password"])
def test_nothing_that_is_there_is_written_over(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("precious")
    with pytest.raises(Conflict, match="exists"):
        set_up(plan(tmp_path))
    assert [path.read_text() for path in tmp_path.iterdir()] == ["precious"]


@pytest.mark.parametrize(
    "more",
    [
        {"key": "12"},
        {"key": KEY, "keystore": Path("/x")},
        {"key": KEY, "password": "short"},
        {"addresses": Path("/nowhere")},
    ],
)
def test_what_cannot_be_leaves_nothing_behind(more: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(DraasError) as told:
        set_up(plan(tmp_path / "home", **more))
    assert not (tmp_path / "home").exists()
    assert KEY not in str(told.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"AGENT_CPUS": "x"},
        {"AGENT_MEMORY": "2Q"},
        {"AGENT_ATTRIBUTES": "a b=1"},
        {"AGENT_ATTRIBUTES": "a=1,a=2"},
        {"RPC_URL": "http://"},
        {"SCHEDULER_URL": "ws://a"},
        {"RPC_URL": "foo"},
        {"SCHEDULER_URL": "http://a,ftp://b"},
    ],
)
def test_settings_that_an_agent_could_not_read_are_refused(wrong: dict[str, str]) -> None:
    check_settings(
        {"AGENT_CPUS": "0.5", "AGENT_ATTRIBUTES": "region=eu,disk=ssd", "RPC_URL": "ws://a"}
    )
    with pytest.raises(InvalidInput):
        check_settings(wrong)


def test_a_price_that_does_not_fit_the_chain_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    prices = PRICED | {"hour": Decimal(10**9)}
    with pytest.raises(DraasError):
        set_up(Plan(tmp_path / "home", {}, prices))
    assert not (tmp_path / "home").exists()
