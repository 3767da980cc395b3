"""A real scheduler to send anything to, on a chain of its own: prints where it is, a session and a job's id as one line
of JSON, and serves until its standard input ends. For `scripts/fuzz_api.sh`."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path

import httpx

from chain.compiler import compile_contracts
from chain.ganache import start_anvil
from chain.job import Address
from chain.signin import Place
from cli.signin import Credentials
from tests.bench.load import a_scheduler
from tests.fixtures_chain import ChainMarket, deployed, free_port


async def main() -> None:
    """Serve."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        async with await start_anvil(free_port(), home) as chain:
            artifacts = await asyncio.to_thread(compile_contracts)
            async for market in deployed(chain, home, artifacts):
                await serve(market, home)


async def serve(market: ChainMarket, home: Path) -> None:
    """A job that was cancelled, so that everything about it is over; and the consumer's session."""
    terms = await market.with_job()
    job_id = market.escrow.job_id(terms)
    await market.send(market.consumer, market.escrow.cancel_job(terms))
    async with a_scheduler(market, home, f"sqlite:///{home / 'rows.sqlite3'}") as (url, _):
        place = Place(Address(market.scheduler.address), market.book.chain_id)
        me = Credentials(market.consumer, place, home)
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            while not (await http.get(f"/v1/deployments/{job_id}")).is_success:
                await asyncio.sleep(0.1)
            token = await me.renew(http, url)
        sys.stdout.write(json.dumps({"url": url, "token": token, "job_id": job_id}) + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
