"""Where the court's cases stand, for the scripts of jurors and of parties."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from brownie import Contract, DRaaSCourt

from scripts.market import at, is_a, the_court
from scripts.words import refuse, whole

Phase = IntEnum(
    "Phase",
    "ABSENT DRAWING COMMITTING REVEALING TALLYING APPEALABLE RULED EXECUTED",
    start=0,
)
WAITS = {
    Phase.ABSENT: "does not exist",
    Phase.DRAWING: "waits for its jurors to be drawn; run court_advance",
    Phase.COMMITTING: "is open to commitments",
    Phase.REVEALING: "is open to reveals",
    Phase.TALLYING: "waits to be tallied; run court_advance",
    Phase.APPEALABLE: "is ruled, and open to appeal",
    Phase.RULED: "is ruled, and waits to be executed; run court_advance",
    Phase.EXECUTED: "is over",
}


def stands(court: Any, dispute: int) -> str:
    """Where a case stands, for messages."""
    phase, ends = court.phaseOf(dispute)
    until = f" until {at(ends)}" if ends else ""
    return f"Dispute {dispute} {WAITS[Phase(phase)]}{until}."


def the_arbitrator(escrow: Any) -> Any:
    """Who rules this escrow's disputes, to be asked no more than what every arbitrator knows (ERC-792)."""
    where = escrow.arbitrator()
    if is_a(DRaaSCourt, where):
        return the_court(escrow)
    return Contract.from_abi("Arbitrator", where, DRaaSCourt.abi, persist=False)


def the_dispute(word: str, usage: str) -> int:
    """A dispute's number, from the command line."""
    if not word:
        refuse("The dispute is not named.", f"Give: {usage}")
    return whole(word, "DISPUTE_ID")


def the_seat(court: Any, dispute: int, juror: Any, phase: Phase) -> tuple[int, Any]:
    """The number of a case's round and the juror's vote in it; refused in any other phase, and to who has no seat."""
    if court.phaseOf(dispute)[0] != phase:
        refuse(stands(court, dispute), "Look again when its phase has changed.")
    number = court.disputes(dispute)[1]
    vote = court.vote(dispute, number, juror)
    if not vote[0]:
        refuse(f"{juror.address} was not drawn for dispute {dispute}.", "Others judge this one.")
    return number, vote


def the_open_dispute(escrow: Any, dispute: int, party: Any) -> Any:
    """The escrow's record of a dispute that is open and that the account is a party of, or opened."""
    record = escrow.disputes(dispute)
    if not record[3]:
        refuse(f"Dispute {dispute} is not open at {escrow.address}.", "Check its number.")
    _, provider, _, _, _, consumer, _, opener = record
    if party.address not in (provider, consumer, opener):
        refuse(
            f"{party.address} is no party of dispute {dispute}.",
            f"They are {consumer}, {provider} and {opener}.",
        )
    return record


def require_no_draw(court: Any) -> None:
    """Stakes cannot change while jurors are about to be drawn."""
    dispute = court.nextDraw()[0]
    if dispute:
        refuse(f"Jurors are about to be drawn for dispute {dispute}.", "Run court_advance first.")
