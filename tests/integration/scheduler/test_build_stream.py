"""What a build prints reaches its consumer while it is printed, and a reader that comes back gets the rest."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from pathlib import Path

import docker

from chain import ipfs
from chain.job import JobId, max_cost
from tests.fixtures_chain import ChainMarket
from tests.fixtures_ipfs import ContentStore
from tests.integration.scheduler.served import Served, serving

SLOW = "FROM busybox\nRUN echo $((6*7)) first {mark}; sleep 3; printf '\\033[31m'; echo $((6*8)) last\n"


async def posted(served: Served, folder: Path, api: str, dockerfile: str) -> JobId:
    folder.mkdir()
    (folder / "Dockerfile").write_text(dockerfile)
    market = served.market
    terms = replace(market.terms(), cid=await ipfs.add_folder(api, folder))
    deposit = max_cost(terms.resources, terms.max_rates, terms.duration)
    await market.give(market.consumer, deposit)
    await market.send(market.consumer, market.escrow.post_job(terms, deposit))
    await served.until_read()
    return market.escrow.job_id(terms)


async def told(
    served: Served, job_id: JobId, after: str = "", until: str = ""
) -> list[tuple[str, str, str]]:
    """Events as name, id and text, up to the one that holds `until`, or to the end."""
    shown = {
        "authorization": f"Bearer {served.token(served.market.consumer)}",
        "last-event-id": after,
    }
    path = f"/v1/deployments/{job_id}/build-log/events"
    events, fields = [], {}
    async with served.http.stream("GET", path, headers=shown) as answer:
        assert answer.status_code == 200
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            fields[name] = value
            if line == "" and "event" in fields:
                text = json.loads(fields["data"]).get("text", "")
                events.append((fields["event"], fields.get("id", ""), text))
                fields = {}
                if until and until in text:
                    break
    return events


async def test_a_build_is_read_while_it_runs_and_again_from_where_a_reader_stopped(
    market_on_anvil: ChainMarket, tmp_path: Path, store: ContentStore
) -> None:
    async with serving(market_on_anvil, tmp_path, store.api) as served:
        mark = f"{os.getpid()}-{tmp_path.name}"
        text = SLOW.format(mark=mark)
        try:
            job_id = await posted(served, tmp_path / "slow", store.api, text)
            early = await told(served, job_id, until="42 first")
            assert all(name == "build" for name, _, _ in early)
            seen = "".join(text for _, _, text in early)
            assert "48 last" not in seen
            rest = await told(served, job_id, after=early[-1][1])
            assert rest[-1][0] == "end"
            later = "".join(text for _, _, text in rest)
            assert "\n48 last" in f"\n{later}"
            assert "42 first" not in later
            assert "\x1b" not in seen + later
            whole = "".join(text for _, _, text in await told(served, job_id))
            assert whole == seen + later
            other = await told(served, job_id, after="5-00000000")
            assert other[0][0] == "again"
            assert "".join(text for _, _, text in other) == whole
        finally:
            await asyncio.to_thread(clear_up, mark)


def clear_up(mark: str) -> None:
    engine = docker.from_env()
    for image in engine.images.list(filters={"label": "draas.bundle"}):
        if mark in str(image.history()):
            engine.images.remove(image.id, force=True)
    engine.close()
