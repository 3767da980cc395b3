"""What the agent must not forget about a run: one small file a run, replaced as a whole at every step."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agent.container.restart import Exit, Starts
from chain.errors import InvalidInput
from chain.group import member_of
from chain.job import Address, JobId
from chain.wire import Offer, OutcomeBody

RECORD_NAME = "run.json"
KILLED_CODES = (137, 143, 255)  # by SIGKILL or SIGTERM, or with its machine


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The durable facts of one run. Each but `starts` is set once and never unset, so a step done twice changes
    nothing; `starts` only moves on.

    Args:
        offer: the assignment as it came.
        agent: this agent's address.
        refused: why it was not taken on, or why it could not be claimed.
        accepted: checked, and the image is here.
        claimed_at: chain second of the claim; 0 before it was seen on-chain.
        container_id: the Engine's id; "" before the container was made.
        runtime: what it runs under, runc or gvisor; "" before that.
        starts: of the program, when it is started again after an end.
        stop_why: why the container was told to stop, or was ended by another hand than its program's.
        exit: how it ended for good.
        collected: results are stored, or there are none.
        result_cid: where they are; "" for none.
        settled: the last report was sent, or can no longer be.
        cleaned: container, control group and mounts are gone.
        paid: everything earned was withdrawn.
        gpus: ids of the devices that it was handed.
        outcome: what was vouched for, of a member of a `verify` group.
        vouched_at: chain second of that.
        vouched_for: base units that it is to be paid by that.
    """

    offer: Offer
    agent: Address
    refused: str = ""
    accepted: bool = False
    claimed_at: int = 0
    container_id: str = ""
    runtime: str = ""
    starts: Starts = field(default_factory=Starts)
    stop_why: str = ""
    exit: Exit | None = None
    collected: bool = False
    result_cid: str = ""
    settled: bool = False
    settled_why: str = ""
    cleaned: bool = False
    paid: bool = False
    gpus: tuple[str, ...] = ()
    outcome: OutcomeBody | None = None
    vouched_at: int = 0
    vouched_for: int = 0

    @property
    def job_id(self) -> JobId:
        """The job."""
        return JobId(self.offer.assignment.job_id)

    @property
    def attempt(self) -> int:
        """The attempt."""
        return self.offer.assignment.attempt

    @property
    def is_verified(self) -> bool:
        """Whether it is a member of a `verify` group, by its job's salt and by its manifest alike."""
        member = member_of(self.offer.terms.salt)
        size = self.offer.manifest.verify
        return member is not None and member.kind == "verify" and member.size == size

    @property
    def cut_short(self) -> bool:
        """Whether its program did not come to its own end, or may not have: it was stopped or killed, by whomever, or
        never began."""
        ended = self.exit
        return (
            ended is None
            or bool(self.stop_why)
            or ended.started_ms == 0
            or ended.code in KILLED_CODES
        )

    @property
    def over(self) -> bool:
        """Nothing is left to do."""
        return self.cleaned and (bool(self.refused) or self.paid)

    @property
    def lives(self) -> bool:
        """Whether it is claimed, and has not ended as far as is known."""
        return self.claimed_at > 0 and self.exit is None

    @property
    def holds_resources(self) -> bool:
        """Whether it counts against what the agent offers."""
        return not (self.refused or self.exit is not None)


def folder_of(home: Path, job_id: JobId, attempt: int) -> Path:
    """Where a run's files are: record, ledger, log."""
    return home / "agent" / "runs" / f"{job_id}-{attempt}"


def save(folder: Path, record: RunRecord) -> None:
    """Write the record so that a crash at any moment leaves the old one or the new one."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    outcome = record.outcome.model_dump(mode="json") if record.outcome else None
    body = asdict(record) | {"offer": record.offer.model_dump(mode="json"), "outcome": outcome}
    new = folder / f"{RECORD_NAME}.new"
    with new.open("w") as file:
        json.dump(body, file)
        file.flush()
        os.fsync(file.fileno())
    new.rename(folder / RECORD_NAME)


def load(folder: Path) -> RunRecord:
    """Read a record.

    Raises:
        InvalidInput: the file is not one of ours, or of another version.
    """
    try:
        body: dict[str, Any] = json.loads((folder / RECORD_NAME).read_text())
        ended = Exit(**body["exit"]) if body["exit"] else None
        starts = Starts(**body["starts"])
        last = Exit(**body["starts"]["last"]) if starts.last else None
        read: dict[str, Any] = {
            "exit": ended,
            "starts": replace(starts, last=last),
            "gpus": tuple(body["gpus"]),
        }
        vouched = body.get("outcome")
        read["outcome"] = OutcomeBody.model_validate(vouched) if vouched else None
        return RunRecord(**{**body, "offer": Offer.model_validate(body["offer"]), **read})
    except (OSError, ValueError, TypeError, KeyError, ValidationError) as error:
        fix = "Move the folder away; what the run earned can still be withdrawn."
        raise InvalidInput(f"The run record in {folder} cannot be read: {error}.", fix) from None


def was_claimed(folder: Path) -> bool:
    """Whether the folder has the record of a run that was claimed and taken on: such a one is never begun anew."""
    if not (folder / RECORD_NAME).exists():
        return False
    try:
        record = load(folder)
    except InvalidInput:
        return True  # who knows
    return record.claimed_at > 0 and not record.refused


def load_all(home: Path) -> tuple[list[RunRecord], list[InvalidInput]]:
    """Every run that this home knows, and the records that cannot be read."""
    found: list[RunRecord] = []
    faults: list[InvalidInput] = []
    for path in sorted((home / "agent" / "runs").glob(f"*/{RECORD_NAME}")):
        try:
            found.append(load(path.parent))
        except InvalidInput as error:
            faults.append(error)
    return found, faults
