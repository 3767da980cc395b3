"""Hostile archives and manifests, sent to a real scheduler: each is refused by a clear word, it stays up, and nothing
is left behind."""

from __future__ import annotations

import asyncio
import zlib
from pathlib import Path
from typing import Any

from chain import ipfs
from chain.ipfs import pins
from tests.fixtures_chain import ChainMarket
from tests.fixtures_ipfs import ContentStore
from tests.hostile import tars, texts, zips
from tests.hostile.watch import look
from tests.integration.scheduler.served import Served, serving
from tests.unit.chain.dags import a_tar, member

AT_ONCE = 8


def a_bundle(file: str, text: str | bytes) -> bytes:
    """A folder with one file that says how it runs, and one to run."""
    content = text if isinstance(text, bytes) else text.encode()
    return a_tar(member("main.py", b"print(1)\n"), member(file, content))


def all_of_them() -> dict[str, bytes]:
    """What is refused before it is built."""
    archives = {"tar": tars.TARS, "gzip": tars.GZIPS, "zip": zips.ZIPS}
    sent = {
        f"{kind} {name}": case.make()
        for kind, cases in archives.items()
        for name, case in cases.items()
        if case.told
    }
    manifests = {name: a_bundle("draas.yaml", text) for name, (text, _) in texts.MANIFESTS.items()}
    others = {name: a_bundle(file, text) for name, (file, text, _) in texts.OTHERS.items()}
    return sent | manifests | others


async def test_a_scheduler_refuses_them_all_and_stays_up(
    quiet_market: ChainMarket, store: ContentStore, tmp_path: Path
) -> None:
    everything = all_of_them()
    async with serving(quiet_market, tmp_path, store.api, TRUSTED_PROXIES="127.0.0.1") as served:
        scratch = served.context.scratch
        before = look(tmp_path), await pins(store.api)
        names = iter(everything)

        async def send() -> None:
            for name in names:
                await refused(served, name, everything[name])

        await asyncio.gather(*(send() for _ in range(AT_ONCE)))
        assert list(scratch.iterdir()) == []
        assert await pins(store.api) == before[1]
        assert set(look(tmp_path)) == set(before[0])
        good = await post(served, a_bundle("draas.yaml", "name: fine"))
        assert (good[0], good[1]["manifest"]["name"]) == (201, "fine")
        await ipfs.unpin(store.api, good[1]["cid"])


async def post(served: Served, body: bytes) -> tuple[int, dict[str, Any], str]:
    answer = await served.http.post(
        "/v1/bundles",
        params={"consumer": "0x" + "ab" * 20},
        content=body,
        headers={"X-Forwarded-For": f"203.0.113.{zlib.crc32(body) % 250}"},  # each has its share
        timeout=120,
    )
    return answer.status_code, answer.json(), answer.headers["content-type"]


async def refused(served: Served, name: str, body: bytes) -> None:
    status, problem, kind = await post(served, body)
    assert status in (413, 422), (name, status, problem)
    assert kind.startswith("application/problem+json")
    assert problem["detail"], name
    assert problem["fix"], name
