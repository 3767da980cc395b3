"""What all runs of one agent share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from agent.container.host import Host
from agent.container.lease import Leases
from agent.meter.meter import Seal
from agent.runs.look import ChainView
from agent.runs.record import RunRecord
from chain.escrow import Escrow
from chain.job import Address, Cid, Digest, Resources
from chain.ledger import VERSION, RunLine
from chain.messages import Domain, UsageReport, UsageStatement
from chain.result import Result
from chain.sender import Sender
from chain.wire import OutcomeBody, RunStatus


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all runs share.

    Args:
        scheduler: whose assignments are taken; the zero address before the first login.
        free: resources left for one more run, apart from the given one.
        gpus_for: devices to hand to a run: as many as it wants, if so many are left for it.
        draining: whether no new jobs are taken.
        room: MiB that one more run may write → why there is no room for them on the disk; "" when there is.
        store: a folder → its CID on IPFS.
        changed: told whenever a run's status changes.
        printed: told whenever a run has new log lines.
        sign: this agent's signature of what it has metered.
        secrets: what the job's consumer has sealed for whoever has claimed it, opened.
        vouch: the same of a run's result and last report.
        tells_ends: whether the Engine would tell now that a container has ended.
        bring: has the Engine hold an image that it cannot pull, and tells how far that has come.
    """

    home: Path
    agent: Address
    machine: Host
    view: ChainView
    leases: Leases
    escrow: Escrow
    sender: Sender
    domain: Domain
    scheduler: Callable[[], Address]
    free: Callable[[RunRecord], Resources]
    gpus_for: Callable[[RunRecord], tuple[str, ...]]
    draining: Callable[[], bool]
    room: Callable[[int], str]
    store: Callable[[Path], Awaitable[Cid]]
    changed: Callable[[RunStatus], None]
    printed: Callable[[], None]
    sign: Callable[[UsageStatement], str]
    secrets: Callable[[RunRecord], Awaitable[dict[str, bytes]]]
    vouch: Callable[[Result, UsageReport], OutcomeBody]
    tells_ends: Callable[[], bool] = lambda: False
    bring: Callable[[Digest, Callable[[str], None]], Awaitable[None]] | None = None

    def seal(self, record: RunRecord) -> Seal:
        """What binds a run's ledger to the run."""
        assignment, reserved = record.offer.assignment, record.offer.manifest.reserved()
        run = RunLine(
            version=VERSION,
            chain_id=self.domain.chain_id,
            escrow=self.domain.escrow,
            job_id=record.job_id,
            attempt=record.attempt,
            agent=record.agent,
            image=assignment.image,
            cpu_millis=reserved.cpu_millis,
            memory_mib=reserved.memory_mib,
            egress_kib_s=reserved.egress_kib_s,
        )
        return Seal(run, self.sign)
