"""A juror's votes on their way between commit and reveal: one file each, readable by nobody else.

They are under DRAAS_HOME (~/.draas when it is unset). Who reads a vote before the reveal can copy it; who loses it
loses stake.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from brownie import web3
from eth_abi import encode

from scripts.words import refuse

SEALED = ["uint256", "address", "uint256", "uint256", "address", "uint256", "bytes32"]


@dataclass(frozen=True)
class Ballot:
    """One vote: all that its commitment is bound to."""

    chain: int
    court: str
    dispute: int
    round: int
    juror: str
    share: int  # of 10,000, for the provider
    salt: str  # hexadecimal

    def commitment(self) -> str:
        """As the court's `commitmentOf`, which a node would have to be told the salt for."""
        where = [self.chain, self.court, self.dispute, self.round, self.juror]
        sealed = encode(SEALED, [*where, self.share, bytes.fromhex(self.salt)])
        return "0x" + bytes(web3.keccak(sealed)).hex()

    def path(self) -> Path:
        """Its file; another vote in the same round has another."""
        name = f"{self.dispute}-{self.round}-{self.juror}-{self.commitment()[2:18]}.json"
        return folder(self.chain, self.court) / name


def folder(chain: int, court: str) -> Path:
    """Where the votes at one court are."""
    home = Path(os.environ.get("DRAAS_HOME") or "~/.draas").expanduser()
    return home / "ballots" / f"{chain}-{court}"


def fill_in(court: Any, dispute: int, number: int, juror: Any, share: int) -> Ballot:
    """A vote with a new salt, on disk before anybody can be told of it."""
    chain = int(web3.eth.chain_id)
    salt = secrets.token_bytes(32).hex()
    ballot = Ballot(chain, court.address, dispute, number, juror.address, share, salt)
    path = ballot.path()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(asdict(ballot), file)
            file.flush()
            os.fsync(handle)
    except OSError as error:
        refuse(f"The vote cannot be kept: {error}.", "Set DRAAS_HOME to a folder of yours.")
    return ballot


def find(court: Any, dispute: int, number: int, juror: Any, commitment: str) -> Ballot:
    """The vote that was committed to."""
    where = folder(int(web3.eth.chain_id), court.address)
    for path in sorted(where.glob(f"{dispute}-{number}-{juror.address}-*.json")):
        try:
            ballot = Ballot(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError) as error:
            refuse(f"{path} cannot be read: {error}.", "It has to be as juror_commit left it.")
        if ballot.commitment() == commitment:
            return ballot
    refuse(
        f"The vote that {juror.address} committed to is not under {where}.",
        "Set DRAAS_HOME to the folder that juror_commit was run with.",
    )
