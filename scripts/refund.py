"""Pay the unspent deposit of an ended job to its consumer; anybody may:
scripts/brownie.sh run refund main JOB_ID --network NAME
"""

from __future__ import annotations

from scripts.jobs import NOBODY, JobState, last_provider, terms_hash, terms_of
from scripts.market import at, now, send, the_account, the_escrow
from scripts.words import job_id, refuse, say


def main(job: str = "") -> None:
    """Also settles a last run whose provider has missed the time for its last report."""
    job = job_id(job, "JOB_ID")
    escrow, account = the_escrow(), the_account()
    terms = terms_of(escrow, job)
    state = JobState(escrow.stateOf(job))
    if state != JobState.ENDED:
        refuse(f"This job is {state.name.title()}.", "The deposit of an Ended one comes back.")
    deposit, deadline, stored, settled = (escrow.jobs(job)[place] for place in (0, 4, 8, 9))
    provider = NOBODY
    if stored != JobState.OPEN and not settled:
        provider = last_provider(escrow, job)
        settles = deadline + escrow.settleGrace()
        if now() <= settles:
            refuse("The provider may still send its last report.", f"Until {at(settles)}.")
    elif deposit == 0:
        refuse("Nothing is left of this job's deposit.", "It was refunded or used up.")
    amount = escrow.refundableOf(job, provider)
    send(account, escrow.refund, terms[0], terms_hash(escrow, terms), provider)
    say(f"{amount} went back to {terms[0]}")
