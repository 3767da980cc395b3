"""Add a document to an open dispute, as a party:
scripts/brownie.sh run evidence main DISPUTE_ID EVIDENCE --network NAME

EVIDENCE is a document on IPFS, as a CID or as /ipfs/CID/NAME.
"""

from __future__ import annotations

from scripts.cases import the_dispute, the_open_dispute
from scripts.market import send, the_account, the_escrow
from scripts.words import ipfs_path, say


def main(dispute: str = "", evidence: str = "") -> None:
    """Its jurors find it in the escrow's events."""
    number, path = the_dispute(dispute, "DISPUTE_ID EVIDENCE"), ipfs_path(evidence)
    escrow, account = the_escrow(), the_account()
    the_open_dispute(escrow, number, account)
    send(account, escrow.submitEvidence, number, path)
    say(f"{path} is evidence in dispute {number}")
