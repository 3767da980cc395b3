"""Settings: defaults, and all faults in one message."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from chain.errors import InvalidInput
from chain.settings import ChainSettings, Env, home_of


def test_nothing_set_gives_the_defaults() -> None:
    settings = ChainSettings.read({})
    assert settings.rpc_url == "http://127.0.0.1:8545"
    assert settings.home == Path.home() / ".draas"
    assert home_of({"DRAAS_HOME": "/tmp/x"}) == Path("/tmp/x").resolve()


def test_every_fault_is_told_at_once() -> None:
    env = Env({"A": "x", "B": "70000", "C": "maybe", "D": "red", "E": "ftp://x", "F": "NaN"})
    env.whole("A", 1)
    env.whole("B", 1, low=1, high=65535)
    env.flag("C")
    env.choice("D", "blue", {"blue", "green"})
    env.url("E")
    env.decimal("F", Decimal(1), Decimal(0), Decimal(2))
    env.required("G")
    with pytest.raises(InvalidInput) as told:
        env.done()
    assert [name for name in "ABCDEFG" if f"{name} is" in told.value.message] == list("ABCDEFG")


def test_what_is_set_well_is_taken() -> None:
    env = Env({"A": "7", "C": "Yes", "D": "green", "E": "https://x:1/y", "F": "1.5", "G": "g"})
    assert env.whole("A", 1) == 7
    assert env.flag("C")
    assert env.choice("D", "blue", {"blue", "green"}) == "green"
    assert env.url("E") == "https://x:1/y"
    assert env.decimal("F", Decimal(1), Decimal(0), Decimal(2)) == Decimal("1.5")
    assert env.required("G") == "g"
    env.done()


def test_an_empty_variable_is_an_unset_one() -> None:
    env = Env({"A": "", "B": "", "C": ""})
    assert (env.whole("A", 3), env.text("B", "x"), env.flag("C", True)) == (3, "x", True)
    env.done()


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8545", "http://", "http://x:0", "http://x:y", "file:///x"]
)
def test_an_address_that_is_none_is_told_but_not_shown(url: str) -> None:
    with pytest.raises(InvalidInput) as told:
        ChainSettings.read({"RPC_URL": url})
    assert url not in str(told.value).replace("http or https", "")


def test_several_nodes_may_be_named() -> None:
    assert ChainSettings.read({"RPC_URL": "http://a:1, ws://b"}).rpc_url == "http://a:1,ws://b"


@pytest.mark.parametrize("text", ["http://a,", "http://a,ftp://b", "http://a, secret", ","])
def test_a_list_with_a_wrong_address_is_refused_without_telling_it(text: str) -> None:
    with pytest.raises(InvalidInput, match="RPC_URL") as told:
        ChainSettings.read({"RPC_URL": text})
    assert "secret" not in str(told.value)
