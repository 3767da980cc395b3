"""Open a dispute over what is not final of one attempt, as its consumer, its provider or its watcher:
scripts/brownie.sh run dispute main JOB_ID ATTEMPT EVIDENCE --network NAME

EVIDENCE is a document on IPFS, as a CID or as /ipfs/CID/NAME.
"""

from __future__ import annotations

from scripts.jobs import RunState, provider_of, terms_of
from scripts.market import send_with_tokens, the_account, the_escrow
from scripts.words import ipfs_path, job_id, refuse, say, whole

USAGE = "JOB_ID ATTEMPT EVIDENCE"


def main(job: str = "", attempt: str = "", evidence: str = "") -> None:
    """Pays the court's fee in wei and the dispute's bond in tokens; the loser pays that to the other side."""
    job, number = job_id(job, USAGE), whole(attempt, "ATTEMPT", 255)
    path = ipfs_path(evidence)
    escrow, account = the_escrow(), the_account()
    terms = terms_of(escrow, job)
    provider = provider_of(escrow, job, number)
    if account.address not in (terms[0], provider, terms[2]):
        refuse(
            f"{account.address} is no party of this job.",
            f"Its consumer is {terms[0]}, attempt {number}'s provider {provider}, its watcher {terms[2]}.",
        )
    if escrow.runs(job, number, provider)[4] == RunState.FROZEN:
        refuse(f"Attempt {number} is under dispute already.", "Add to it with the evidence script.")
    earned, final = escrow.earnedOf(job, number, provider)
    if earned == final:
        refuse(
            f"Nothing of attempt {number} can be disputed: it has earned {earned}, and all of it is final.",
            "A report can be disputed for one window after it was made.",
        )
    fee, bond = escrow.disputeFee(), escrow.disputeBond()
    what = (terms, number, provider, path)
    tx = send_with_tokens(account, escrow, bond, escrow.dispute, *what, value=fee)
    number = tx.events["JobDisputed"]["disputeId"]
    say(f"dispute {number} is open over {earned - final}; the fee was {fee} wei, the bond {bond}")
