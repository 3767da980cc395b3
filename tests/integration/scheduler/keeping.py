"""A pinner with its rows and its node, for the tests to move on."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from chain import ipfs
from chain.job import Cid, JobId, JobState
from chain.pinning import PinningService
from scheduler.rows import pins as kept
from scheduler.rows import tables as t
from scheduler.rows.facts import JobFacts
from scheduler.settings import PinSettings, Settings
from scheduler.work.pins import Pinner, Place
from tests.integration.scheduler.placing import TERMS, Rows, a_job, an_agent, running_on
from tests.unit.chain.dags import make_folder

KEEP_S, RULING_S = 100, 300
SETTINGS = Settings(Path(), "", "", pins=PinSettings(KEEP_S), fetch_s=3)


@dataclass
class Keeping:
    """A pinner with its rows and its node."""

    rows: Rows
    node: str
    place: Path
    count: int = 0
    synced: bool = True
    service: PinningService | None = None

    @property
    def pinner(self) -> Pinner:
        """One that has just been started."""
        place = Place(TERMS.scheduler, self.node, self.service, RULING_S)
        return Pinner(self.rows.store, self.rows.clock, SETTINGS, place, lambda: self.synced)

    async def content(self, pinned: bool = False) -> Cid:
        """A folder that is on the node."""
        self.count += 1
        said = f"{self.place}/{self.count}".encode()
        cid = await ipfs.add_folder(
            self.node, make_folder(self.place / str(self.count), {"a": said})
        )
        if not pinned:
            await ipfs.unpin(self.node, cid)
        return cid

    def job(self, number: int, cid: Cid, ended_ago: int | None = None) -> JobFacts:
        """One that runs, or ended so many seconds ago and has nothing left to pay."""
        job = a_job(number, self.rows.clock, terms=replace(TERMS, cid=cid))
        if ended_ago is None:
            return job
        running = running_on(an_agent(1), job, self.rows.clock)
        ended = self.rows.clock.now() - ended_ago
        return replace(running, state=JobState.ENDED, deadline=ended, deposit=0, settled=True)

    async def brings(self, job_id: JobId, cid: Cid, ago: int) -> None:
        """Somebody names a document in a dispute of this job, so many seconds ago."""
        event = {"block_hash": f"0x{ago}", "log_index": 0, "block_number": 1, "tx_hash": "0x2"}
        event |= {"name": "Evidence", "job_id": job_id, "at": self.rows.clock.now() - ago}
        event |= {"data": json.dumps({"evidence": f"/ipfs/{cid}/evidence.json"})}
        async with self.rows.store.write() as tx:
            await tx.execute(t.events.insert(), event)

    async def as_if_long_ago(self) -> None:
        """Whatever was needed was needed long before now."""
        async with self.rows.store.write() as tx:
            await tx.execute(kept.pins.update().values(since=0))

    async def pins(self) -> set[Cid]:
        """What the node keeps."""
        return await ipfs.pins(self.node)

    async def noted(self) -> dict[Cid, kept.Pin]:
        """The rows."""
        async with self.rows.store.read() as tx:
            return await kept.all_pins(tx)
