"""An agent that meters one run, in a process that may be killed at any moment; run by test_metering.py and the bench.

Reads what it is to run as JSON on its standard input. The container is made the first time, and taken up again after.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from eth_account import Account

from agent.container.container import RunContainer
from agent.container.here import this_machine
from agent.container.host import Wanted
from agent.engine.engine import Engine
from agent.engine.isolation import RunKey
from agent.meter.meter import Seal
from agent.observed import Container
from chain.errors import Unavailable
from chain.job import Address, Digest, JobId
from chain.ledger import VERSION, RunLine
from chain.manifest import Manifest, parse_manifest
from chain.messages import Domain, sign_statement

DOMAIN = Domain(1337, Address("0x52908400098527886E0F7030069857D2E4169EE7"))
NOTE = "container"


def seal_of(account: Any, key: RunKey, manifest: Manifest, image: Digest) -> Seal:
    """What binds the ledger of a run without a chain."""
    reserved = manifest.reserved()
    run = RunLine(
        version=VERSION,
        chain_id=DOMAIN.chain_id,
        escrow=DOMAIN.escrow,
        job_id=key.job_id,
        attempt=key.attempt,
        agent=key.agent,
        image=image,
        cpu_millis=reserved.cpu_millis,
        memory_mib=reserved.memory_mib,
        egress_kib_s=reserved.egress_kib_s,
    )
    return Seal(run, lambda told: sign_statement(account, DOMAIN, told))


async def meter(given: dict[str, Any]) -> dict[str, Any]:
    """Run it, or go on with it, to its end."""
    account, folder = Account.from_key(given["key"]), Path(given["folder"])
    key = RunKey(JobId(given["job"]), 1, Address(account.address))
    manifest, image = parse_manifest(given["manifest"]), Digest(given["image"])
    engine = Engine()
    machine = await this_machine(engine)
    seal = seal_of(account, key, manifest, image)
    run = RunContainer(machine, Wanted(key, manifest, folder, seal=seal))
    note = folder / NOTE
    if not note.exists():
        container_id = await run.create(await engine.ensure_image(image, ""))
        note.write_text(container_id)
        fault = await run.start(container_id)
        assert not fault, fault
    container_id = note.read_text()
    print("running", flush=True)  # noqa: T201
    try:
        return await _to_the_end(run, container_id)
    finally:
        await run.close()
        engine.close()


async def _to_the_end(run: RunContainer, container_id: str) -> dict[str, Any]:
    run.follow(container_id)
    while True:
        try:
            seen = await run.look(container_id)
        except Unavailable:
            await asyncio.sleep(0.2)
            continue
        assert isinstance(seen, Container)
        if seen.status == "exited":
            ended = await run.note_exit(seen, "")
            await run.meter.report()
            totals = run.meter.totals
            return {
                "code": ended.code,
                "cpu_ns": totals.cpu_ns,
                "wall_ms": totals.wall_ms,
                "ran_ms": ended.finished_ms - ended.started_ms,
                "memory_byte_ms": totals.memory_byte_ms,
                "cgroup": run.cgroup,
                "lines": [line.text for line in run.spool.read(-1, 100)],
            }
        await run.sample(seen)
        await asyncio.sleep(0.2)


def main() -> None:
    """One life of the agent."""
    result = asyncio.run(meter(json.load(sys.stdin)))
    print(json.dumps(result), flush=True)  # noqa: T201
    os._exit(0)


if __name__ == "__main__":
    main()
