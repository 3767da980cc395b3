"""The dashboard in a real browser and without one: live, complete, and deaf to what strangers write into it."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from chain.clock import unix_ms
from chain.wire import ResourcesBody
from scheduler.api.recent import OLD_S
from scheduler.images.turn import FailedBuild
from scheduler.rows import tables as t
from scheduler.rows.batch import upsert
from tests.chromium import CHROMIUM
from tests.fixtures_chain import ChainMarket, free_port
from tests.fixtures_ipfs import ContentStore
from tests.integration.scheduler.browsing import browsing, until
from tests.integration.scheduler.served import Served, serving

in_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
CELLS = "[...document.querySelectorAll('#{} td')].map((one) => one.textContent)"
NUMBERS = "getComputedStyle(document.body)[one].match(/[0-9.]+/g).map(Number)"
COLOURS = f"['color', 'backgroundColor'].map((one) => {NUMBERS})"


async def first_of(served: Served, wanted: str = "now") -> dict[str, Any]:
    """The first event of this name of the page's stream."""
    name = ""
    async with served.http.stream("GET", "/dashboard/events") as answer:
        assert answer.status_code == 200
        async for row in answer.aiter_lines():
            name = row.removeprefix("event: ") if row.startswith("event: ") else name
            if row.startswith("data: ") and name == wanted:
                found: dict[str, Any] = json.loads(row.removeprefix("data: "))
                return found
    raise AssertionError("the stream ended")


async def a_declined_job(served: Served, reason: str) -> str:
    market = served.market
    terms = await market.with_job(salt=3)
    await market.send(market.scheduler, market.escrow.decline_job(terms, reason))
    return market.escrow.job_id(terms)


async def test_it_tells_what_waits_what_failed_and_why_and_what_is_not_well(
    served: Served,
) -> None:
    market = served.market
    waiting = market.escrow.job_id(await market.with_job(salt=1))
    declined = await a_declined_job(served, "its Dockerfile names no image")
    await served.until_read()
    builder = served.context.builder
    builder.failures.append(FailedBuild(market.terms().cid, "building", "exit 4", unix_ms()))
    now = await first_of(served)
    (queued,) = now["queue"]
    assert (queued["job_id"], queued["state"]) == (waiting, "Open")
    told = {(one["what"], one["about"], one["why"]) for one in now["failures"]}
    assert ("JobDeclined", declined, "declined: its Dockerfile names no image") in told
    assert ("building failed", market.terms().cid, "exit 4") in told
    names = {one["name"] for one in now["parts"]}
    assert names == {"database", "chain", "content store", "worker", "Docker Engine"}
    assert now["overview"]["jobs"] == {"Open": 1, "Closed": 1}


async def test_many_who_watch_cost_one_look(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    await first_of(served)
    looks = 0
    recent = served.app.state.dashboard
    find = recent._find

    async def counted() -> Any:
        nonlocal looks
        looks += 1
        return await find()

    monkeypatch.setattr(recent, "_find", counted)
    await asyncio.gather(*(first_of(served) for _ in range(15)))
    assert looks <= 2


@in_chromium
async def test_figures_that_cannot_be_found_anew_are_told_as_old(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    await first_of(served)
    overview = served.context.overview
    assert "age" not in (await served.http.get("/v1/overview")).headers
    answers, finders = asyncio.Event(), list[asyncio.Task[Any]]()

    def hanging(find: Any) -> Any:
        async def find_at_last() -> Any:
            await answers.wait()
            return await find()

        return find_at_last

    for recent in (served.app.state.dashboard, overview):
        monkeypatch.setattr(recent, "_find", hanging(recent._find))
        while not recent._turn.locked():
            finders.append(asyncio.create_task(recent.get()))
            await asyncio.sleep(0.05)
    health = "document.getElementById('health').textContent"
    async with browsing(f"{served.url}/dashboard") as page:
        told = await until(page, f"{health}.startsWith('stale') && {health}")
        assert "the database is slow" in told
        assert int((await served.http.get("/v1/overview")).headers["age"]) >= OLD_S
        answers.set()
        await asyncio.gather(*finders)
        await until(page, f"{health} === 'ready and live'", within_s=30)
    assert await first_of(served, "age") == {"outdated_s": 0}
    assert "age" not in (await served.http.get("/v1/overview")).headers


async def test_the_policy_lets_nothing_run_but_the_pages_own_files(served: Served) -> None:
    page = await served.http.get("/dashboard")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    named = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert len(named) == 3
    for path in named:
        assert (await served.http.get(path)).status_code == 200
    assert not re.search(r"<script(?![^>]* src=)|\son\w+=|style=", page.text)
    for path in (one for one in named if one.endswith(".js")):
        script = (await served.http.get(path)).text
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script
        )


@in_chromium
async def test_in_a_browser_it_is_live_and_what_strangers_wrote_is_text(served: Served) -> None:
    market = served.market
    await a_declined_job(served, HOSTILE)
    await _an_agent(served)
    await served.until_read()
    async with browsing(f"{served.url}/dashboard") as page:
        await until(page, "document.getElementById('health').textContent === 'ready and live'")
        failures = await until(page, CELLS.format("failures"))
        assert f"declined: {HOSTILE}" in failures
        agents = await until(page, CELLS.format("agents"))
        assert agents[0] == market.provider.address
        assert "4 of 4 CPUs, 1024 of 1024 MiB" in agents
        waiting = market.escrow.job_id(await market.with_job(salt=1))
        queue = await until(
            page, f"({CELLS.format('queue')}).length > 1 && {CELLS.format('queue')}"
        )
        assert queue[0] == waiting[:12] + "…"
        assert await page.evaluate("document.title") == "DRaaS scheduler"
        assert await page.evaluate("document.querySelectorAll('td *:not(meter)').length") == 0


@in_chromium
async def test_it_says_when_it_is_stale_and_is_live_again_by_itself(
    market_on_anvil: ChainMarket, store: ContentStore, tmp_path: Path
) -> None:
    port = str(free_port())
    health = "document.getElementById('health').textContent"
    async with AsyncExitStack() as stack:
        async with serving(market_on_anvil, tmp_path, store.api, SCHEDULER_PORT=port) as served:
            page = await stack.enter_async_context(browsing(f"{served.url}/dashboard"))
            await until(page, f"{health} !== 'loading'")
        told = await until(page, f"{health}.startsWith('stale') && {health}")
        assert "connecting again" in told
        assert await page.evaluate("document.body.classList.contains('stale')")
        async with serving(market_on_anvil, tmp_path, store.api, SCHEDULER_PORT=port):
            await until(page, f"!{health}.startsWith('stale')", within_s=30)


@in_chromium
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (390, "light"), (1280, "dark")])
async def test_it_fits_a_phone_and_is_readable_in_dark_and_light(
    served: Served, tmp_path: Path, width: int, scheme: str
) -> None:
    await a_declined_job(served, "x" * 300)
    await _an_agent(served)
    await served.until_read()
    size = {"width": width, "height": 900}
    looks = {"viewport": size, "color_scheme": scheme, "is_mobile": width < 600}
    async with browsing(f"{served.url}/dashboard", **looks) as page:
        await until(page, CELLS.format("failures") + ".length > 1")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await page.screenshot(path=tmp_path / f"dashboard-{width}-{scheme}.png", full_page=True)
        colours = await page.evaluate(COLOURS)
        assert contrast(*colours) >= 7
        focusable = await page.evaluate(
            "document.querySelectorAll('.scroll[tabindex=\"0\"]').length"
        )
        assert focusable == await page.evaluate("document.querySelectorAll('table').length")


def contrast(one: list[float], other: list[float]) -> float:
    """Of two colours, by WCAG 2."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: list[float]) -> float:
    shares = [part / 255 for part in colour]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in shares]
    return sum(weight * one for weight, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


async def _an_agent(served: Served) -> None:
    """One that was heard from."""
    agent: dict[str, Any] = {"agent": served.market.provider.address, "version": HOSTILE[:40]}
    agent |= {"capacity": ResourcesBody(cpu_millis=4000, memory_mib=1024), "url": None}
    agent |= {"attributes": {"region": "eu"}, "heartbeat": None, "last_seen_ms": unix_ms()}
    async with served.context.store.write() as tx:
        await upsert(tx, t.agents, agent | {"session_at": "one"})
