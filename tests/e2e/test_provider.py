"""A provider from zero to earning, by `draas agent` alone: set up, check, run, price, drain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.folders import a_script
from tests.e2e.market import QUICK_RULES, TestMarket, start_market
from tests.e2e.provider import Provider, join

MINE = "{attributes: {site: joined}}"  # jobs that want our agent and no other
BUSY = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; echo done"


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestMarket]:
    """A market of its own, since an agent joins it."""
    options = (*QUICK_RULES, "--agents", "1", "--agent-cpus", "0.5", "--agent-memory", "256M")
    running = start_market(tmp_path_factory.mktemp("joined") / "home", *options)
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def provider(market: TestMarket, tmp_path_factory: pytest.TempPathFactory) -> Provider:
    """Set up, and not running yet."""
    return join(market, tmp_path_factory.mktemp("provider") / "home", attributes="site=joined")


def test_a_dry_run_finds_a_machine_that_is_set_up_fit(provider: Provider) -> None:
    answer = provider.draas("check", "--json")
    found = {item["name"]: item for item in answer.objects}
    assert answer.code == 0, answer.out
    assert {"settings", "docker", "cgroups", "metering", "disk", "clock", "chain"} <= set(found)
    assert {found[name]["level"] for name in ("chain", "gas", "scheduler", "port")} == {"ok"}
    assert found["bond"]["level"] == "warn"  # it has no tokens before the faucet's
    assert provider.address in found["key"]["told"]
    assert "others ask" in found["prices"]["told"]
    assert "no NVIDIA runtime" in found["gpus"]["told"]


def test_a_dry_run_says_what_to_fix_and_fails(provider: Provider) -> None:
    env = provider.home / "agent.env"
    kept = env.read_text()
    env.write_text(kept.replace(provider.market.url, "http://127.0.0.1:9"))
    try:
        answer = provider.draas("check", "--json")
    finally:
        env.write_text(kept)
    (line,) = [item for item in answer.objects if item["name"] == "scheduler"]
    assert (answer.code, line["level"]) == (1, "fail")
    assert line["fix"]


def test_a_provider_joins_earns_prices_and_drains(provider: Provider, tmp_path: Path) -> None:
    market, consumer = provider.market, provider.market.consumer()
    with provider.running():
        first = consumer.draas("deploy", a_script(tmp_path / "a", BUSY, market=MINE), "--json")
        assert first.code == 0, market.logs()
        paid = market.until("it has been paid", lambda: _withdrawn(provider))
        assert paid == int(provider.status()["earnings"]["earned"])
        assert provider.status()["provider"]["completed"] == 1

        assert provider.draas("prices", "--cpu-hour", "0.08").code == 0
        asked = market.until("the price is known", lambda: _cpu_price(provider, 0.08))
        assert "AGENT_RATES_CPU_HOUR=0.08" in (provider.home / "agent.env").read_text()
        assert asked == int(provider.status()["rates"]["cpu_ms"])

        long = consumer.start("deploy", a_script(tmp_path / "b", "sleep 6; echo b", market=MINE))
        market.until("it runs", lambda: any(r["phase"] == "running" for r in _runs(provider)))
        drained = provider.draas("drain", "--wait", "--json")
        assert (drained.code, drained.event("draining")["left"]) == (0, 1)
        assert long.finish().code == 0  # what ran went on to its end
        seen = market.until("it is shown", lambda: provider.seen().get("draining"))
        assert seen is True
        waits = consumer.start("deploy", a_script(tmp_path / "c", "echo c", market=MINE))
        why = market.until("it waits", lambda: _why(market, consumer.address))
        assert "drained for maintenance" in why
    with provider.running():  # it is still drained after a restart
        assert provider.status()["draining"] is True
        assert provider.draas("drain", "--undo").code == 0
        assert waits.finish().code == 0


def _withdrawn(provider: Provider) -> int:
    money = provider.status()["earnings"]
    return int(money["withdrawn"]) if money["pending"] == money["withdrawable"] == "0" else 0


def _cpu_price(provider: Provider, tokens: float) -> int:
    rate = int((provider.seen().get("rates") or {}).get("cpu_ms", 0))
    return rate if abs(rate * 3_600_000 - tokens * 10**18) < 10**15 else 0


def _runs(provider: Provider) -> list[dict[str, str]]:
    return list(provider.status()["runs"])


def _why(market: TestMarket, consumer: str) -> str:
    page = market.get("/v1/deployments", consumer=consumer).json()["items"]
    found = [str(item["why"]) for item in page if item["state"] == "Open"]
    return next((why for why in found if "drained" in why), "")
