"""The scripts as they are run on a live network: processes, a network of brownie's list, transactions signed here."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brownie
import pytest
import yaml
from brownie import DRaaSEscrow, web3

from tests.contracts.market import BOND_PER_UNIT, BONDED, RATES, UNITS, Market

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(act: Callable[[Any], None], market: Market, tmp_path: Path) -> Run:
    """Runs a script for the provider, on this test's chain as brownie would see a live one."""
    act(market.provider)
    networks = Path(brownie.__file__).parent / "data" / "network-config.yaml"
    listed = yaml.safe_load(networks.read_text())
    chain = {"id": "outside", "chainid": web3.eth.chain_id, "host": web3.provider.endpoint_uri}
    listed["live"].append({"name": "Outside", "networks": [chain | {"name": "Outside"}]})
    (tmp_path / ".brownie").mkdir()
    (tmp_path / ".brownie" / "network-config.yaml").write_text(yaml.safe_dump(listed))

    def run(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        command = ["scripts/brownie.sh", "run", *words, "--network", "outside"]
        env = os.environ | {"BROWNIE_HOME": str(tmp_path)} | settings
        return subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=100, check=False
        )

    return run


def test_a_market_is_deployed(run: Run) -> None:
    told = run("deploy")
    assert told.returncode == 0, told.stdout
    where = re.search(r"^escrow +(0x\w{40})$", told.stdout, re.M)
    assert where, told.stdout
    assert DRaaSEscrow.at(where[1]).lapsesPerSlash() == 3


def test_an_allowance_is_given_before_tokens_are_moved(market: Market, run: Run) -> None:
    market.token.approve(market.escrow, 0, {"from": market.provider})
    rates = [str(rate) for rate in RATES]
    told = run("register", "main", str(UNITS), *rates)
    assert told.returncode == 0, told.stdout
    assert f"{UNITS * BOND_PER_UNIT} went into the bond" in told.stdout
    assert market.escrow.providers(market.provider)[0] == BONDED + UNITS
    assert market.provider.private_key[2:] not in told.stdout + told.stderr


def test_a_refusal_is_an_error_of_the_process_and_sends_nothing(market: Market, run: Run) -> None:
    blocks = web3.eth.block_number
    market_gone = run("unbond", ESCROW_ADDRESS="0x" + "00" * 19 + "99")
    assert market_gone.returncode != 0
    assert "There is no contract at 0x" in market_gone.stdout + market_gone.stderr
    assert "Nothing was sent" in market_gone.stdout + market_gone.stderr
    assert web3.eth.block_number == blocks
