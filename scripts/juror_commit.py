"""Vote, sealed until the reveal: scripts/brownie.sh run juror_commit main DISPUTE_ID SHARE --network NAME

SHARE, of 10,000, is for the provider. The vote is kept under DRAAS_HOME (~/.draas when unset) for juror_reveal.
"""

from __future__ import annotations

from scripts.ballots import fill_in
from scripts.cases import Phase, the_dispute, the_seat
from scripts.market import send, the_account, the_court, the_escrow
from scripts.words import WHOLE_SHARE, say, whole


def main(dispute: str = "", share: str = "") -> None:
    """May be repeated while the dispute is open to commitments; the last one counts."""
    number = the_dispute(dispute, "DISPUTE_ID SHARE")
    part = whole(share, "SHARE", WHOLE_SHARE)
    court, account = the_court(the_escrow()), the_account()
    round_number, _ = the_seat(court, number, account, Phase.COMMITTING)
    ballot = fill_in(court, number, round_number, account, part)
    send(account, court.commit, number, ballot.commitment())
    say(f"the vote on dispute {number} is committed and kept in {ballot.path()}")
    say("run juror_reveal when revealing begins; who does not reveal loses stake")
