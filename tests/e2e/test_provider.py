"""A provider from zero to earning, by `draas agent` alone: set up, check, run, price, drain."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.folders import a_script
from tests.e2e.market import QUICK_RULES, TestMarket, start_market
from tests.e2e.provider import Provider, join
from tests.second_engine import second_engine

MINE = "{attributes: {site: joined}}"  # jobs that want our agent and no other
BUSY = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; sleep 8"


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


def test_a_provider_joins_earns_prices_and_drains(provider: Provider, tmp_path: Path) -> None:
    market, consumer = provider.market, provider.market.consumer()
    with provider.running():
        running = consumer.start("deploy", a_script(tmp_path / "a", BUSY, market=MINE))
        market.until("it runs", lambda: any(r["phase"] == "running" for r in _runs(provider)))
        assert provider.drain(True)["left"] == 1
        seen = market.until("it is shown", lambda: provider.seen().get("draining"))
        assert seen is True
        answer = provider.draas("prices", "--cpu-hour", "0.08")
        assert answer.code == 0, answer.err
        assert "AGENT_RATES_CPU_HOUR=0.08" in (provider.home / "agent.env").read_text()
        asked = market.until("the price is known", lambda: _cpu_price(provider, 0.08))
        assert asked == int(provider.show()["rates"]["cpu_ms"])

        drained = provider.draas("drain", "--wait", "--json")
        assert (drained.code, drained.objects[-1]["event"]) == (0, "drained")
        assert provider.show()["provider"]["completed"] == 1
        assert running.finish().code == 0  # what ran went on to its end
        paid = market.until("it has been paid", lambda: _withdrawn(provider))
        assert paid == int(provider.show()["earnings"]["earned"])
        assert "1 completed, 0 lapsed" in provider.draas("status").out

        waits = consumer.start("deploy", a_script(tmp_path / "c", "echo c", market=MINE))
        why = market.until("it waits", lambda: _why(market, consumer.address))
        assert "drained for maintenance" in why
        url = f"http://127.0.0.1:{provider.port}/v1/owner"
        assert httpx.post(f"{url}/drain", json={"draining": False}).status_code == 403
        wrong = {"Authorization": "Bearer wrong"}
        assert httpx.get(url, headers=wrong).status_code == 403
        assert provider.show()["draining"] is True
    with provider.running():  # it is still drained after a restart
        assert provider.show()["draining"] is True
        assert provider.drain(False)["draining"] is False
        assert waits.finish().code == 0


@pytest.mark.skipif(os.getuid() != 0, reason="an Engine of its own needs root")
def test_a_provider_whose_engine_is_its_own_gets_the_image_over_ipfs(
    market: TestMarket, tmp_path: Path
) -> None:
    elsewhere = join(market, tmp_path / "home", attributes="site=elsewhere")
    folder = a_script(tmp_path / "far", "echo far", market="{attributes: {site: elsewhere}}")
    with second_engine() as engine, elsewhere.running(DOCKER_HOST=engine.address):
        answer = market.consumer().draas("deploy", folder, "--json")
        assert (answer.code, answer.log) == (0, ["far"]), answer.err
        client = engine.client()
        names = [tag for image in client.images.list() for tag in image.tags]
        client.close()
    assert [name.startswith("draas/image:") for name in names] == [True]
    assert list((elsewhere.home / "agent" / "layers").iterdir()) == []


def _withdrawn(provider: Provider) -> int:
    money = provider.show()["earnings"]
    return int(money["withdrawn"]) if money["pending"] == money["withdrawable"] == "0" else 0


def _cpu_price(provider: Provider, tokens: float) -> int:
    rate = int((provider.seen().get("rates") or {}).get("cpu_ms", 0))
    return rate if abs(rate * 3_600_000 - tokens * 10**18) < 10**15 else 0


def _runs(provider: Provider) -> list[dict[str, str]]:
    return list(provider.show()["runs"])


def _why(market: TestMarket, consumer: str) -> str:
    page = market.get("/v1/deployments", consumer=consumer).json()["items"]
    found = [str(item["why"]) for item in page if item["state"] == "Open"]
    return next((why for why in found if "drained" in why), "")
